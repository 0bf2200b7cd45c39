"""`wattledger restore`: a backup back into an empty data folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data

app = new_app()


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="A file that `wattledger backup` wrote.", metavar="FILE")],
    data: Data = None,
) -> None:
    """Bring a backup back into an empty data folder, after checking every body and every day in it.

    \b
    Example:
      wattledger restore home-2026-01-31.tar --data ./home
    """
    folder, digest = asyncio.run(_restore(data, archive))
    typer.echo(f"{folder} holds the backup; its ledger's digest is {digest}.")


async def _restore(data: Path | None, archive: Path) -> tuple[Path, str]:
    from wattledger.cli.runtime import make_folder
    from wattledger.config import load_settings
    from wattledger.store.archive.backup import restore as read

    folder = load_settings(data).data
    make_folder(folder)
    return folder, await read(archive, folder)
