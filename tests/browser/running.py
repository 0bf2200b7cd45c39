"""A real hub on a real socket over a real SQLite store, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn

from tests.browser import home
from wattledger.cli.runtime import opened
from wattledger.config import Settings, load_settings
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.web.app import create_app
from wattledger.web.auth import COOKIE

T = TypeVar("T")
OWNER = "owner@example.org"
SMT = "smart_meter_texas"


class Stopped:
    """A clock that always shows the morning after the last day of the invented home."""

    def now(self) -> datetime:
        return home.NOW

    def monotonic(self) -> float:
        return time.monotonic()


class Running:
    """A hub that answers at `url`. `call` runs a coroutine on its loop."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self.store, self._loop, self.url = store, loop, url
        self.asked: list[Any] = []

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The answer of a coroutine that belongs to the hub's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def sign_in(self) -> dict[str, str]:
        """A signed-in owner's cookie, as browsers take it."""
        self.call(self.store.people.add_user(OWNER))
        link = self.call(self.store.people.start_link(OWNER, home.NOW))
        assert link is not None
        session = self.call(self.store.people.consume_link(link, home.NOW))
        assert session is not None
        return {"name": COOKIE, "value": session, "url": self.url}

    def add(self, name: str, body: bytes, source: Source = Source.UPLOAD) -> int:
        """Deliver a file to the default site; its id."""
        site = self.call(self.store.sites.default()).id
        payload = Payload(SMT, source, body, home.NOW, name, "text/csv")
        return self.call(self.store.payloads.deliver(site, payload)).id


@contextmanager
def running(data: Path, **settings: Any) -> Iterator[Running]:
    """A hub with an empty ledger in `data`."""
    ready = threading.Event()
    box: dict[str, Any] = {}
    thread = threading.Thread(target=_serve, args=(data, settings, ready, box), daemon=True)
    thread.start()
    assert ready.wait(60), "the hub did not start"
    try:
        yield box["hub"]
    finally:
        box["server"].should_exit = True
        thread.join(30)


def _serve(data: Path, overrides: dict[str, Any], ready: threading.Event, box: dict[str, Any]) -> None:
    asyncio.run(_main(load_settings(data, {}, **overrides), ready, box))


async def _main(settings: Settings, ready: threading.Event, box: dict[str, Any]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with opened(settings.data, settings=settings, clock=Stopped()) as runtime:
            hub = box["hub"] = Running(runtime.store, asyncio.get_running_loop(), url)

            async def trigger(request: Any) -> dict[str, bool]:
                hub.asked.append(request)
                return {"ok": True}

            app = create_app(runtime.store, settings, clock=Stopped(), trigger=trigger, address=url)
            server = box["server"] = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
            ready.set()
            await server.serve(sockets=[listener])
