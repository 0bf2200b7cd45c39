"""`wattledger site`: sites, and who belongs to them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.cli.user import BY, site_of

app = new_app(no_args_is_help=True)
ZONE = "America/Chicago"
Site = Annotated[str, typer.Argument(help="A site's name or id.", metavar="SITE")]
Email = Annotated[str, typer.Argument(help="The member's email address.", metavar="EMAIL")]


@app.callback()
def site() -> None:
    """Make sites, and say who belongs to them.

    \b
    Example:
      wattledger site add "Maple Street" --owner me@example.org
    """


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The place's name.", metavar="NAME")],
    owner: Annotated[str | None, typer.Option(help="Address of its owner, who must have an account.")] = None,
    timezone: Annotated[str, typer.Option(help="Its IANA time zone.")] = ZONE,
    data: Data = None,
) -> None:
    """Make a site and print its id. Without an owner, invite one with `wattledger user invite`.

    \b
    Example:
      wattledger site add "Maple Street" --owner me@example.org
    """
    typer.echo(asyncio.run(_add(name, owner, timezone, data)))


@app.command("list")
def list_(data: Data = None) -> None:
    """Print every site with its id.

    \b
    Example:
      wattledger site list
    """
    for line in asyncio.run(_sites(data)):
        typer.echo(line)


@app.command()
def members(place: Site, data: Data = None) -> None:
    """Print who belongs to a site, with their role.

    \b
    Example:
      wattledger site members "Maple Street"
    """
    for line in asyncio.run(_members(place, data)):
        typer.echo(line)


@app.command()
def role(
    place: Site,
    email: Email,
    new: Annotated[str, typer.Argument(help="owner, admin or member.", metavar="ROLE")],
    data: Data = None,
) -> None:
    """Give a member another role; the last owner stays one.

    \b
    Example:
      wattledger site role "Maple Street" friend@example.org admin
    """
    asyncio.run(_change(place, email, new, data))
    typer.echo(f"{email} is {new} of {place}.")


@app.command()
def remove(place: Site, email: Email, data: Data = None) -> None:
    """Take somebody out of a site; their sessions and tokens there end.

    \b
    Example:
      wattledger site remove "Maple Street" friend@example.org
    """
    asyncio.run(_change(place, email, None, data))
    typer.echo(f"{email} no longer belongs to {place}.")


async def _add(name: str, owner: str | None, timezone: str, data: Path | None) -> str:
    from wattledger.cli.runtime import opened
    from wattledger.errors import NotFound

    async with opened(data) as runtime:
        person = await runtime.store.people.by_email(owner) if owner else None
        if owner and person is None:
            raise NotFound(f"Nobody here has the address {owner}; invite them with `wattledger user invite`.")
        made = await runtime.store.sites.add(name, timezone, person.id if person else None, BY)
        return made.id


async def _sites(data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        return [f"{row.id}  {row.name}  {row.timezone}" for row in await runtime.store.sites.list()]


async def _members(place: str, data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        rows = await runtime.store.people.members(await site_of(runtime, place))
        return [f"{row.role:7}  {row.email}" for row in rows]


async def _change(place: str, email: str, new: str | None, data: Path | None) -> None:
    """Another role, or none."""
    from wattledger.cli.runtime import opened
    from wattledger.store.people.members import nobody

    async with opened(data) as runtime:
        people, where = runtime.store.people, await site_of(runtime, place)
        person = await people.by_email(email)
        if person is None:
            raise nobody()
        if new is None:
            await people.remove_member(person.id, where, BY)
        else:
            await people.set_role(person.id, where, new, BY)
