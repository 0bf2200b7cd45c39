"""Named points where a test may make the process fail, or switch a mechanism off.

In production both calls are a dictionary look-up that finds nothing. Tests set `WATTLEDGER_FAULTS`
(for child processes) or call `arm` and `sabotage`.

    fault("hub.after_archive_commit")     a point: killed, raises or waits when armed
    if not sabotaged("fsync"): ...        a mechanism that a test may switch off
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_armed: dict[str, Callable[[], None]] = {}
_off: set[str] = set()


def fault(name: str) -> None:
    """Do what a test armed at this point; nothing otherwise."""
    action = _armed.get(name)
    if action:
        action()


def sabotaged(mechanism: str) -> bool:
    """Whether a test has switched this mechanism off."""
    return mechanism in _off


def arm(name: str, action: Callable[[], None]) -> None:
    """Run `action` whenever point `name` is passed."""
    _armed[name] = action


def disarm() -> None:
    """Forget all points and switches."""
    _armed.clear()
    _off.clear()


@contextmanager
def sabotage(*mechanisms: str) -> Iterator[None]:
    """Switch mechanisms off for the length of a `with` block."""
    _off.update(mechanisms)
    try:
        yield
    finally:
        _off.difference_update(mechanisms)


def kill_at(count: int) -> Callable[[], None]:
    """An action that kills this process with SIGKILL at its `count`-th passing."""
    left = count

    def action() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return action


def _from_environment(spec: str) -> None:
    """`kill:point=3,off:fsync` arms a kill at the third passing and switches one mechanism off."""
    for item in filter(None, spec.split(",")):
        kind, _, rest = item.partition(":")
        if kind == "off":
            _off.add(rest)
        elif kind == "kill":
            name, _, count = rest.partition("=")
            arm(name, kill_at(int(count or "1")))


_from_environment(os.environ.get("WATTLEDGER_FAULTS", ""))
