"""`wattledger keys`: the keys that seal vendors' secrets and tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import Data
from wattledger.errors import Misconfigured

if TYPE_CHECKING:
    from wattledger.store.sources.reseal import Resealed

MOST_SHOWN = 20
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

    Running processes go on, and take up the new key from the file by themselves. Keys of WATTLEDGER_KEYS
    are changed by whoever sets it: put a new one in front, restart every process, then run this. Older
    keys stay readable until you remove them; copies of the database still need them.

    \b
    Example:
      wattledger keys rotate
    """
    done = asyncio.run(_rotate(data))
    typer.echo(f"{done.moved} sealed values now use the newest key.")
    for sentence in done.unreadable[:MOST_SHOWN]:
        typer.echo(sentence, err=True)
    if done.unreadable:
        typer.echo(
            f"{len(done.unreadable)} could not be opened with any key here; enter them anew.", err=True
        )
        raise typer.Exit(EXIT_ERROR)


async def _rotate(data: Path | None) -> Resealed:
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
        done = await reseal(runtime.store.database, runtime.vault, runtime.store.objects)
        about = {"moved": done.moved, "unreadable": len(done.unreadable), "key": runtime.vault.key_ids[0]}
        await runtime.store.audit.record(None, "command line", "keys.rotated", "keys", about)
        return done
