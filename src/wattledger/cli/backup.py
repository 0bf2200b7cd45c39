"""`wattledger backup`: one consistent archive of a home."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data

app = new_app()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The archive to write; it must not exist.", metavar="FILE")],
    data: Data = None,
) -> None:
    """Write one consistent archive of a home while it runs: the database and the large bodies.

    The key file is not in it: keep a copy of `keys` from the data folder elsewhere, or vendors'
    secrets must be entered anew after a restore.

    \b
    Example:
      wattledger backup home-2026-01-31.tar
    """
    asyncio.run(_backup(data, target))
    typer.echo(
        f"{target}: {target.stat().st_size:,} bytes. The key file is not in it; keep a copy of it elsewhere."
    )


async def _backup(data: Path | None, target: Path) -> None:
    from wattledger.cli.runtime import opened
    from wattledger.store.archive.backup import backup as write

    async with opened(data) as runtime:
        await write(runtime.store, runtime.settings.data, target)
        await runtime.store.audit.record(None, "command line", "backup.made", f"file:{target.name}")
