"""A hub on a real socket that collects from a simulated Smartcar, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn

from wattledger.cli.collector import collecting, on_demand
from wattledger.cli.runtime import Runtime, opened
from wattledger.config import load_settings
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.web.app import create_app
from wattledger.web.auth import COOKIE

T = TypeVar("T")
OWNER = "owner@example.org"


class Garage:
    """The hub at `url` and its vendor; `call` runs a coroutine on their loop."""

    def __init__(self, runtime: Runtime, vendor: SmartcarSimulator, url: str) -> None:
        self.runtime, self.vendor, self.url = runtime, vendor, url
        self._loop = asyncio.get_running_loop()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The answer of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def sign_in(self) -> dict[str, str]:
        """A signed-in owner's cookie, as browsers take it."""
        people, now = self.runtime.store.people, self.runtime.clock.now
        self.call(people.add_user(OWNER))
        link = self.call(people.start_link(OWNER, now()))
        session = self.call(people.consume_link(link or "", now()))
        assert session is not None
        return {"name": COOKIE, "value": session, "url": self.url}


@contextmanager
def garage(data: Path, api: str) -> Iterator[Garage]:
    """A hub without any car, by one generation of the vendor's API."""
    ready = threading.Event()
    box: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: asyncio.run(_main(data, api, ready, box)), daemon=True)
    thread.start()
    assert ready.wait(60), "the hub did not start"
    try:
        yield box["garage"]
    finally:
        box["server"].should_exit = True
        thread.join(30)


async def _main(data: Path, api: str, ready: threading.Event, box: dict[str, Any]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with SmartcarSimulator(redirect_uris=[f"{url}/oauth/smartcar/callback"]) as vendor:
            vendor.subscribed_only = False
            settings = load_settings(data, vendor.environment(api))
            async with opened(data, settings=settings) as runtime, collecting(runtime, asyncio.Event()):
                app = create_app(
                    runtime.store, settings, clock=runtime.clock, address=url, on_demand=on_demand(runtime)
                )
                box["garage"] = Garage(runtime, vendor, url)
                server = box["server"] = uvicorn.Server(
                    uvicorn.Config(app, log_level="error", lifespan="off")
                )
                ready.set()
                await server.serve(sockets=[listener])
