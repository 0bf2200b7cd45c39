"""`wattledger user`: people, invitations, sign-in links and API tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.errors import NotFound

if TYPE_CHECKING:
    from wattledger.cli.runtime import Runtime

app = new_app(no_args_is_help=True)
BY = "command line"
Site = Annotated[str | None, typer.Option("--site", help="A site's name or id. Default: the first one.")]
Email = Annotated[str, typer.Argument(help="The person's email address.", metavar="EMAIL")]


@app.callback()
def user() -> None:
    """Add and invite people, make sign-in links and API tokens.

    \b
    Example:
      wattledger user add me@example.org
      wattledger user token me@example.org
    """


@app.command()
def add(
    email: Email,
    operator: Annotated[
        bool, typer.Option("--operator", help="They also run the installation: sites, meters, every audit.")
    ] = False,
    data: Data = None,
) -> None:
    """Make a person an owner of the default site. Doing it twice changes nothing.

    \b
    Example:
      wattledger user add me@example.org
      wattledger user add me@example.org --operator
    """
    asyncio.run(_add(email, operator, data))
    typer.echo(f"{email} owns the default site. A sign-in link: wattledger user link {email}")


@app.command()
def invite(
    email: Email,
    role: Annotated[str, typer.Option(help="owner, admin or member.")] = "member",
    site: Site = None,
    data: Data = None,
) -> None:
    """Print an invitation to a site: it works once, for seven days. Hand it to the person yourself.

    \b
    Example:
      wattledger user invite friend@example.org --role admin --site "Maple Street"
    """
    typer.echo(asyncio.run(_invite(email, role, site, data)))


@app.command("sign-out")
def sign_out(email: Email, data: Data = None) -> None:
    """End every session of a person; their API tokens go on.

    \b
    Example:
      wattledger user sign-out me@example.org
    """
    asyncio.run(_sign_out(email, data))
    typer.echo(f"{email} is signed out everywhere.")


@app.command()
def link(email: Email, data: Data = None) -> None:
    """Print a new sign-in link: it works once, for ten minutes.

    \b
    Example:
      wattledger user link me@example.org
    """
    typer.echo(asyncio.run(_link(email, data)))


@app.command()
def token(
    email: Email,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    site: Site = None,
    data: Data = None,
) -> None:
    """Print a new personal API token. It is shown this once; the last word on stdout is the token.

    \b
    Example:
      curl -H "Authorization: Bearer $(wattledger user token me@example.org)" http://127.0.0.1:8400/v1/me
    """
    typer.echo(asyncio.run(_token(email, name, site, data)))


@app.command("list")
def list_(data: Data = None) -> None:
    """Print every person with an account.

    \b
    Example:
      wattledger user list
    """
    for email in asyncio.run(_emails(data)):
        typer.echo(email)


async def _add(email: str, operator: bool, data: Path | None) -> None:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        await runtime.store.people.add_user(email, BY, operator=operator)


async def _invite(email: str, role: str, site: str | None, data: Path | None) -> str:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        where = await site_of(runtime, site)
        word = await runtime.store.people.invite(where, email, role, BY)
        return f"{_address(runtime)}/invitation?token={word}"


async def _sign_out(email: str, data: Path | None) -> None:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        person = await runtime.store.people.by_email(email)
        if person is None:
            raise _unknown(email)
        await runtime.store.people.end_sessions(person.id, BY)


async def site_of(runtime: Runtime, word: str | None) -> str:
    """The id of the site of that name or id, without one the first. Raises NotFound."""
    sites = runtime.store.sites
    return (await sites.named(word) if word else await sites.default()).id


async def _link(email: str, data: Path | None) -> str:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        people = runtime.store.people
        word, person = await people.start_link(email, runtime.clock.now()), await people.by_email(email)
        if word is None or person is None:
            raise _unknown(email)
        await runtime.store.audit.record(None, BY, "link.made", f"person:{person.id}")
        return f"{_address(runtime)}/auth/link?token={word}"


def _address(runtime: Runtime) -> str:
    from wattledger.cli.serve import PORT

    return (runtime.settings.base_url or f"http://127.0.0.1:{PORT}").rstrip("/")


async def _token(email: str, name: str, site: str | None, data: Path | None) -> str:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        if await runtime.store.people.by_email(email) is None:
            raise _unknown(email)
        where = await site_of(runtime, site) if site else None
        return await runtime.store.people.api_token(email, name, where, BY)


async def _emails(data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        return [row.email for row in await runtime.store.people.list()]


def _unknown(email: str) -> NotFound:
    return NotFound(f"Nobody here has the address {email}; add them with `wattledger user add {email}`.")
