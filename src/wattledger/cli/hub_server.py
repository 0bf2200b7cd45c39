"""The hub on a socket of this process: bound first, so that links name the true address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from wattledger.cli.runtime import Runtime
from wattledger.config import Settings
from wattledger.errors import Misconfigured

GRACE_SECONDS = 5
BACKLOG = 512


class _Server(uvicorn.Server):
    """Leaves the process's signals to the command that runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def hub_running(runtime: Runtime, bound: socket.socket, host: str, app: Any) -> AsyncIterator[str]:
    """Serve the hub on a bound socket while the block runs; yields its address."""
    settings = runtime.settings
    app.state.hub.address = url_of(bound, host, tls=settings.tls_cert is not None)
    server = _Server(_config(app, settings))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.005)
        yield app.state.hub.address
    finally:
        server.should_exit = True
        await task
        await app.state.hub.post.close()
        bound.close()


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises Misconfigured."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misconfigured(f"Cannot listen on {host} port {port}: {reason}. Use --host or --port.") from None
    return bound


def url_of(bound: socket.socket, host: str, *, tls: bool = False) -> str:
    """The address of a bound socket, as a browser on this machine names it."""
    return f"{'https' if tls else 'http'}://{_name(host)}:{bound.getsockname()[1]}"


def _name(host: str) -> str:
    """How a browser on this machine names the host."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
