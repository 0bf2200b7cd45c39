"""`wattledger db`: digest, scrub and upgrade."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import Data
from wattledger.errors import TryLater

app = new_app(no_args_is_help=True)


@app.callback()
def db() -> None:
    """Digest, scrub and upgrade the ledger's database.

    \b
    Example:
      wattledger db digest
    """


@app.command()
def digest(data: Data = None) -> None:
    """Print one hex word over all energy and flags: the same ledger gives the same word.

    Ids, history and payloads do not enter it, so two installations can be compared.

    \b
    Example:
      wattledger db digest
    """
    typer.echo(asyncio.run(_digest(data)))


@app.command()
def scrub(data: Data = None) -> None:
    """Hash every archived body again and recount every day's total. Exit code 1 when something is off.

    \b
    Example:
      wattledger db scrub
    """
    problems = asyncio.run(_scrub(data))
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(EXIT_ERROR)


@app.command()
def ping(data: Data = None) -> None:
    """Ask the database whether it answers and has the newest schema. Changes nothing. Exit code 1 if not.

    \b
    Example:
      wattledger db ping
    """
    asyncio.run(_ping(data))
    typer.echo("The database answers and its schema is up to date.")


@app.command()
def upgrade(data: Data = None) -> None:
    """Bring the schema up to date. Every command that opens the database does so by itself, under a lock.

    \b
    Example:
      wattledger db upgrade
    """
    asyncio.run(_open(data))
    typer.echo("The database schema is up to date.")


async def _ping(data: Path | None) -> None:
    from wattledger.config import database_url, load_settings
    from wattledger.store.database import Database
    from wattledger.store.migrate import is_current

    database = Database(database_url(load_settings(data)))
    try:
        if not await is_current(database):
            raise TryLater("The database answers; its schema is not this version's. `wattledger db upgrade`.")
    finally:
        await database.close()


async def _digest(data: Path | None) -> str:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        return await runtime.store.digest()


async def _open(data: Path | None) -> None:
    from wattledger.cli.runtime import opened

    async with opened(data):
        return


async def _scrub(data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened
    from wattledger.store.archive.scrub import scrub as scrub_store

    async with opened(data) as runtime:
        report = await scrub_store(runtime.store)
    typer.echo(f"{report.bodies} bodies and {report.days} days were checked.")
    return list(report.problems)
