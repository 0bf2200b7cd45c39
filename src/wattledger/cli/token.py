"""`wattledger token`: the SmartThings token that is pasted every 24 hours."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.errors import Refused

if TYPE_CHECKING:
    from wattledger.web.contracts.ac.pasted import Placed

app = new_app(no_args_is_help=True)
MOST = 10_000


@app.callback()
def token() -> None:
    """Set the SmartThings token, for instance from a timer.

    \b
    Example:
      wattledger token set --stdin < /run/secrets/smartthings
    """


@app.command("set")
def set_(
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, else ask.")] = False,
    connection: Annotated[
        str | None, typer.Option(help="Id of the connection; default: the first with a token.")
    ] = None,
    data: Data = None,
) -> None:
    """Store a new SmartThings token and begin its 24 hours; the same one changes nothing.

    It is tried at SmartThings first and never shown. Where no connection has a pasted token yet, one is
    made; one that signs in by OAuth is replaced only where --connection names it.

    \b
    Example:
      wattledger token set
      wattledger token set --stdin < /run/secrets/smartthings
    """
    text = sys.stdin.read(MOST) if stdin else typer.prompt("SmartThings token", hide_input=True)
    done = asyncio.run(_set(text, connection, data))
    if done.warning:
        typer.echo(f"Warning: {done.warning}", err=True)
    what = "New token stored" if done.reset else "The same token: nothing changed"
    typer.echo(f"{what}; it ends {done.window.expires:%Y-%m-%dT%H:%M:%SZ}.")


async def _set(text: str, connection: str | None, data: Path | None) -> Placed:
    from wattledger.cli.runtime import opened
    from wattledger.web.contracts.ac import pasted

    async with opened(data) as runtime:
        store, site = runtime.store, (await runtime.store.sites.default()).id
        if not text.strip():
            raise Refused("Token must not be empty", "BAD_TOKEN")
        row = await pasted.to_paste(store, site, connection)
        vendor = runtime.settings.smartthings_base_url
        return await pasted.place(store, runtime.clock, vendor, site, text, "command line", row)
