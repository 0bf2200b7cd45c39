"""`wattledger poll`: collect now, once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.errors import TryLater

if TYPE_CHECKING:
    from wattledger.cli.runtime import Runtime
    from wattledger.config import Settings

app = new_app()
WAIT_SECONDS = 300.0
MOST_SHOWN = 100


@app.command()
def poll(
    connection: Annotated[str | None, typer.Argument(help="Id of one, else all that are due.")] = None,
    data: Data = None,
) -> None:
    """Collect now, once, and show what came.

    Smart Meter Texas lets in one host only: where DROPLET_WEBHOOK_URL is set, its relay runs a cycle and
    the cycle's line is shown. On the relay itself use `wattledger relay run-once`.

    \b
    Example:
      wattledger poll
    """
    asyncio.run(_poll(connection, data))


async def _poll(wanted: str | None, data: Path | None) -> None:
    from wattledger import logs
    from wattledger.cli.collector import collector
    from wattledger.cli.runtime import opened
    from wattledger.config import load_settings

    settings = load_settings(data)
    logs.configure(settings.log_format, sys.stderr)
    logs.REDACTOR.register_settings(settings)
    async with opened(data, settings=settings) as runtime:
        before = await _newest(runtime)
        if wanted:
            await runtime.store.connections.resume(wanted, None)
        typer.echo(f"{await collector(runtime).once()} connection(s) asked.")
        if runtime.settings.droplet_url:
            typer.echo(f"relay: {await run_relay(runtime.settings)}")
        for row in reversed(await runtime.store.payloads.list(None, limit=MOST_SHOWN)):
            if row.id > before:
                what = f"{row.filename or row.connector}, {row.size:,} bytes, {row.kind}, {row.state}"
                typer.echo(f"{row.id}: {what}")


async def _newest(runtime: Runtime) -> int:
    return max((row.id for row in await runtime.store.payloads.list(None, limit=1)), default=0)


async def run_relay(settings: Settings) -> str:
    """Have the relay run one cycle and wait for its line. Raises TryLater where it can't or fails."""
    from urllib.parse import urljoin

    import httpx2

    secret = settings.droplet_secret or settings.webhook_secret
    headers = {"x-intelliwatt-secret": secret.get_secret_value()} if secret else {}
    url = urljoin(settings.droplet_url or "", "/run-once")
    try:
        async with httpx2.AsyncClient(timeout=WAIT_SECONDS, trust_env=False) as client:
            answer = await client.post(url, headers=headers)
    except httpx2.HTTPError as error:
        raise TryLater(
            f"The relay of DROPLET_WEBHOOK_URL can't be reached ({type(error).__name__})."
        ) from None
    if answer.status_code != httpx2.codes.OK:
        raise TryLater(f"The relay answered {answer.status_code}: {answer.text[:300]}")
    return answer.text.strip()
