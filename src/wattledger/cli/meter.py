"""`wattledger meter`: which site a meter belongs to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.cli.user import BY, site_of

app = new_app(no_args_is_help=True)


@app.callback()
def meter() -> None:
    """Say which site a meter belongs to.

    \b
    Example:
      wattledger meter list
    """


@app.command()
def assign(
    esiid: Annotated[str, typer.Argument(help="The meter's 17 or 22 digits.", metavar="ESIID")],
    site: Annotated[str, typer.Option("--site", help="A site's name or id.")],
    data: Data = None,
) -> None:
    """Give a meter to a site, with all its readings, or before its first one comes.

    \b
    Example:
      wattledger meter assign 10443720000000001 --site "Maple Street"
    """
    typer.echo(f"Meter {esiid} belongs to {asyncio.run(_assign(esiid, site, data))}.")


@app.command("list")
def list_(data: Data = None) -> None:
    """Print every meter with its site, then those that a site waits for.

    \b
    Example:
      wattledger meter list
    """
    for line in asyncio.run(_meters(data)):
        typer.echo(line)


async def _assign(esiid: str, site: str, data: Path | None) -> str:
    from wattledger.cli.runtime import opened
    from wattledger.web.contracts.smt.fields import esiid as checked
    from wattledger.web.contracts.smt.meters import assign_meter

    wanted = checked(esiid)
    async with opened(data) as runtime:
        where = await site_of(runtime, site)
        await assign_meter(runtime.store, wanted, where, BY)
        return (await runtime.store.sites.get(where)).name


async def _meters(data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened
    from wattledger.model import PointKind

    async with opened(data) as runtime:
        names = {row.id: row.name for row in await runtime.store.sites.list()}
        points = await runtime.store.points.list()
        held = [f"{p.external_id}  {names[p.site]}" for p in points if p.kind == PointKind.METER]
        claims = await runtime.store.meter_claims.list(None)
        return held + [f"{c.external_id}  {names[c.site]}  (agreement asked for)" for c in claims]
