"""`wattledger serve`: pages, API and collector in one process."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.loading import loading
from wattledger.cli.options import Data, Host

if TYPE_CHECKING:
    from wattledger.cli.runtime import Runtime
    from wattledger.config import Settings

PORT = 8400
app = new_app()


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = PORT,
    with_relay: Annotated[
        bool, typer.Option("--with-relay", help="Run the relay in this process too.")
    ] = False,
    data: Data = None,
) -> None:
    """Run the hub: pages, API and collector in one process.

    The first start makes the data folder and a key file and prints a one-time link that makes you the
    owner. TLS: set WATTLEDGER_TLS_CERT and WATTLEDGER_TLS_KEY, or put a proxy before it.

    \b
    Example:
      wattledger serve
      wattledger serve --host 0.0.0.0 --port 8400 --data /var/lib/wattledger
      wattledger serve --with-relay
    """
    asyncio.run(_serve(host, port, with_relay, data))


async def _serve(host: str, port: int, with_relay: bool, data: Path | None) -> None:
    with loading():
        from wattledger import logs
        from wattledger.cli.collector import collecting, on_demand
        from wattledger.cli.erasing import finishing
        from wattledger.cli.hub_server import bind, hub_running
        from wattledger.cli.runtime import opened
        from wattledger.cli.stopping import stop_event
        from wattledger.config import load_settings
        from wattledger.web.app import create_app

    settings = load_settings(data)
    logs.configure(settings.log_format, sys.stderr)
    logs.REDACTOR.register_settings(settings)
    stop = stop_event()
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(opened(data, settings=settings))
        hub = create_app(runtime.store, settings, clock=runtime.clock, on_demand=on_demand(runtime))
        address = await stack.enter_async_context(hub_running(runtime, bind(host, port), host, hub))
        counted = hub.state.hub.metrics.operating.collected
        await stack.enter_async_context(collecting(runtime, stop, address, counted))
        await stack.enter_async_context(finishing(runtime))
        if with_relay:
            from wattledger.cli.beside import relay_beside

            await stack.enter_async_context(relay_beside(settings, address))
        await _greet(runtime, address)
        for warning in plain_http_warnings(settings, host):
            typer.echo(f"Warning: {warning}", err=True)
        await stop.wait()
    typer.echo("Stopped.")


async def _greet(runtime: Runtime, address: str) -> None:
    """Say where the hub is, where the key file is, and how the first owner gets in."""
    if runtime.vault.created:
        typer.echo(f"Made the key file {runtime.vault.key_file}; keep a copy of it elsewhere.")
    public = (runtime.settings.base_url or address).rstrip("/")
    typer.echo(f"Wattledger is at {public} and keeps its data in {runtime.settings.data}.")
    if await runtime.store.people.setup_needed():
        word = await runtime.store.people.setup_link()
        typer.echo(f"First start. This link works once and makes you the owner: {public}/setup?token={word}")


def plain_http_warnings(settings: Settings, host: str) -> list[str]:
    """A sentence for every road that leaves this machine without TLS."""
    from wattledger.transport import is_loopback, is_plain

    warnings = []
    behind_proxy = (settings.base_url or "").startswith("https://")
    if not is_loopback(host) and not settings.tls_cert and not behind_proxy:
        warnings.append(
            f"the hub listens on {host} without TLS: sign-ins and secrets travel in clear. Set "
            "WATTLEDGER_TLS_CERT and WATTLEDGER_TLS_KEY, or use a proxy and set WATTLEDGER_BASE_URL."
        )
    for name, url in (
        ("DROPLET_WEBHOOK_URL", settings.droplet_url),
        ("INTELLIWATT_BASE_URL", settings.hub_url),
    ):
        if is_plain(url or ""):
            warnings.append(
                f"{name} is plain http to another machine: its secret travels in clear. Use https."
            )
    return warnings
