"""`wattledger user`: people, sign-in links and API tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.errors import NotFound

app = new_app(no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The person's email address.", metavar="EMAIL")]


@app.callback()
def user() -> None:
    """Add people, make sign-in links and API tokens.

    \b
    Example:
      wattledger user add me@example.org
      wattledger user token me@example.org
    """


@app.command()
def add(email: Email, data: Data = None) -> None:
    """Make a person an owner of the default site. Doing it twice changes nothing.

    \b
    Example:
      wattledger user add me@example.org
    """
    asyncio.run(_add(email, data))
    typer.echo(f"{email} owns the default site. A sign-in link: wattledger user link {email}")


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
    data: Data = None,
) -> None:
    """Print a new personal API token. It is shown this once; the last word on stdout is the token.

    \b
    Example:
      curl -H "Authorization: Bearer $(wattledger user token me@example.org)" http://127.0.0.1:8400/v1/me
    """
    typer.echo(asyncio.run(_token(email, name, data)))


@app.command("list")
def list_(data: Data = None) -> None:
    """Print every person with an account.

    \b
    Example:
      wattledger user list
    """
    for email in asyncio.run(_emails(data)):
        typer.echo(email)


async def _add(email: str, data: Path | None) -> None:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        await runtime.store.people.add_user(email)


async def _link(email: str, data: Path | None) -> str:
    from wattledger.cli.runtime import opened
    from wattledger.cli.serve import PORT

    async with opened(data) as runtime:
        word = await runtime.store.people.start_link(email, runtime.clock.now())
        if word is None:
            raise _unknown(email)
        address = runtime.settings.base_url or f"http://127.0.0.1:{PORT}"
        return f"{address.rstrip('/')}/auth/link?token={word}"


async def _token(email: str, name: str, data: Path | None) -> str:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        if await runtime.store.people.by_email(email) is None:
            raise _unknown(email)
        return await runtime.store.people.api_token(email, name)


async def _emails(data: Path | None) -> list[str]:
    from wattledger.cli.runtime import opened

    async with opened(data) as runtime:
        return [row.email for row in await runtime.store.people.list()]


def _unknown(email: str) -> NotFound:
    return NotFound(f"Nobody here has the address {email}; add them with `wattledger user add {email}`.")
