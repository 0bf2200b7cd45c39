"""`wattledger replay`: the archive is the ledger; readings are derived from it again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data

if TYPE_CHECKING:
    from wattledger.store import ReplayResult

app = new_app()


@app.command()
def replay(data: Data = None) -> None:
    """Re-read every archived payload in receive order with today's parser and swap the ledger in at once.

    Readers see the old ledger until the new one is whole. Prints the digest before and after; they
    differ only when the parser does.

    \b
    Example:
      wattledger replay
    """
    before, result = asyncio.run(_replay(data))
    typer.echo(f"{result.payloads} payloads were read anew for {result.points} usage point(s).")
    typer.echo(f"digest before {before}\ndigest after  {result.digest}")


async def _replay(data: Path | None) -> tuple[str, ReplayResult]:
    from rich.console import Console
    from rich.progress import Progress

    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        before = await runtime.store.digest()
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("Reading the archive", total=None)
            result = await runtime.store.replay(
                progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
        about = {"payloads": result.payloads, "digest": result.digest}
        await runtime.store.audit.record(None, "command line", "ledger.replayed", "ledger", about)
        return before, result
