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
    """Bring a backup back into an empty data folder, or an empty PostgreSQL, and check it.

    Every file's digest, every body, every day's totals and the digest of the whole ledger are compared;
    where one differs, nothing is left behind. Put the copy of the key file into the data folder too.

    \b
    Example:
      wattledger restore home-2026-01-31.tar --data ./home
      DATABASE_URL=postgresql://wattledger@db/empty wattledger restore home-2026-01-31.tar
    """
    folder, digest = asyncio.run(_restore(data, archive))
    typer.echo(f"{folder} holds the backup; its ledger's digest is {digest}.")


async def _restore(data: Path | None, archive: Path) -> tuple[str, str]:
    from wattledger.cli.runtime import make_folder
    from wattledger.config import database_url, load_settings
    from wattledger.store.archive.backup import restore as read

    settings = load_settings(data)
    make_folder(settings.data)
    url = database_url(settings)
    place = "The database" if url.startswith("postgres") else str(settings.data)
    return place, await read(archive, settings.data, url=url, objects=settings.objects)
