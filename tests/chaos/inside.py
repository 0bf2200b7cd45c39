"""What differs within a child of the run: short waits, a clock that can be turned, names that can fail.

`python -m tests.chaos.inside serve --port 8400` is `wattledger serve --port 8400`. CHAOS_CONTROL names a
file `{"ahead": seconds, "nameless": true}` that is read again whenever it changes. CHAOS_SCALED shortens the
waits.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

LEASE = 5.0
"""seconds a payload is held, in a scaled run"""


class Control:
    """The file, as of its last change."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen, self._said = path, -1, {"ahead": 0.0, "nameless": False}

    def said(self) -> dict[str, Any]:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._seen:
                self._said, self._seen = json.loads(self._path.read_bytes()), changed
        except (OSError, ValueError):
            return self._said  # it is being written anew
        return self._said


def begin(control: Control, command: str) -> None:
    """Put all of it in place."""
    _turn_clock(control)
    _fail_names(control)
    if os.environ.get("CHAOS_SCALED"):
        _shorten_relay() if command == "relay" else _shorten_hub()


def _turn_clock(control: Control) -> None:
    from wattledger.clock import SystemClock

    def now(self: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=control.said()["ahead"])

    SystemClock.now = now  # type: ignore[method-assign]


def _fail_names(control: Control) -> None:
    real: Callable[..., Any] = socket.getaddrinfo

    def looked_up(host: Any, *words: Any, **more: Any) -> Any:
        if control.said()["nameless"] and host == "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *words, **more)

    socket.getaddrinfo = looked_up


def _shorten_relay() -> None:
    from wattledger.relay import deliver, pause, service

    deliver.REFUSED = timedelta(seconds=3)  # type: ignore[attr-defined]
    pause.LONGEST = 4.0
    service.FIRST, service.LOOK = 0.2, 3.0


def _shorten_hub() -> None:
    from wattledger.cli import collector
    from wattledger.store.archive import jobs

    jobs.LEASE = timedelta(seconds=LEASE)
    collector.ORPHANS_EVERY_SECONDS = 1.0
    _shorten_polling()


def _shorten_polling() -> None:
    from wattledger.cli import collector
    from wattledger.collect import Collector, Pace
    from wattledger.connectors.smartcar import cadence, errors
    from wattledger.connectors.smartthings import SmartThings
    from wattledger.store.sources import connections, outcome

    soon = timedelta(seconds=2)
    SmartThings.every = soon
    cadence.BACKGROUND = cadence.CHARGING = soon
    for module in (errors, import_module("wattledger.connectors.smartcar.fetch")):
        vars(module)["FIRST_PAUSE"] = soon / 2
    cadence.FAULT_MOST = cadence.ASLEEP_FIRST = 2 * soon
    connections.LEASE = timedelta(seconds=LEASE)
    outcome.FIRST, outcome.LONGEST = soon / 2, 2 * soon
    pace = Pace(pause=0.5, renew=LEASE / 3, grace=2.0, refresh_again=(0.5, 1.0, 2.0))
    vars(collector)["Collector"] = partial(Collector, pace=pace)


if __name__ == "__main__":
    begin(Control(Path(os.environ["CHAOS_CONTROL"])), sys.argv[1])
    from wattledger.cli import main

    main()
