"""An ASGI app on a real socket of this process, on loopback and on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0


class _Server(uvicorn.Server):
    """Leaves the process's signal handlers alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def free_socket() -> socket.socket:
    """A bound loopback socket on a port that was free."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((LOOPBACK, 0))
    return bound


@asynccontextmanager
async def serve(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serves `app` while the block runs; yields its address, `http(s)://127.0.0.1:port`.

    `options` go to uvicorn (ssl_certfile, ssl_keyfile, ...).
    """
    bound = free_socket()
    port = bound.getsockname()[1]
    settings: dict[str, Any] = {"log_config": None, "log_level": "warning", "lifespan": "off"}
    settings |= {"access_log": False, "timeout_graceful_shutdown": 1}
    server = _Server(uvicorn.Config(app, **{**settings, **options}))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await _started(server, task)
        scheme = "https" if options.get("ssl_certfile") else "http"
        yield f"{scheme}://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await task
        bound.close()


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("The simulator's HTTP server ended before it answered.")
            await asyncio.sleep(0.005)
