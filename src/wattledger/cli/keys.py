"""`wattledger keys`: the keys that seal vendors' secrets and tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import Data
from wattledger.errors import Misconfigured

app = new_app(no_args_is_help=True)


@app.callback()
def keys() -> None:
    """List, add and rotate the keys that seal secrets.

    \b
    Example:
      wattledger keys list
      wattledger keys rotate
    """


@app.command("list")
def list_(data: Data = None) -> None:
    """Print the ids of all keys, newest first, and where they are kept. Never a key.

    \b
    Example:
      wattledger keys list
    """
    from wattledger.config import load_settings
    from wattledger.secrets import load_vault

    vault = load_vault(load_settings(data), create=False)
    for key_id in vault.key_ids:
        typer.echo(key_id)
    typer.echo(f"Kept in {vault.key_file or 'WATTLEDGER_KEYS'}." if vault.key_ids else "There is no key yet.")


@app.command()
def new() -> None:
    """Print a new key for WATTLEDGER_KEYS; put it in front of the others, then run `keys rotate`.

    \b
    Example:
      wattledger keys new
    """
    from wattledger.keyfile import make_key

    typer.echo(make_key())


@app.command()
def rotate(data: Data = None) -> None:
    """Add a key to the key file and seal everything anew with it, in batches.

    Keys of WATTLEDGER_KEYS are changed by whoever sets it: put a new one in front first. Older keys
    stay readable until you remove them. Restart running processes afterwards.

    \b
    Example:
      wattledger keys rotate
    """
    moved, unreadable = asyncio.run(_rotate(data))
    typer.echo(f"{moved} sealed values now use the newest key.")
    if unreadable:
        typer.echo(f"{unreadable} could not be opened with any key here; enter them anew.", err=True)
        raise typer.Exit(EXIT_ERROR)


async def _rotate(data: Path | None) -> tuple[int, int]:
    from wattledger.cli.runtime import opened
    from wattledger.config import load_settings
    from wattledger.keyfile import add_key
    from wattledger.secrets import load_vault
    from wattledger.store.sources.reseal import reseal

    vault = load_vault(load_settings(data), create=False)
    if not vault.key_ids:
        raise Misconfigured("There is no key to rotate: set WATTLEDGER_KEYS, or run `wattledger serve` once.")
    if vault.key_file:
        add_key(vault.key_file)
    async with opened(data) as runtime:
        return await reseal(runtime.store.database, runtime.vault)
