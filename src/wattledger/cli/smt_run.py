"""What all `wattledger smt` commands share: the account from the settings, one request, its answer shown."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattledger.errors import Misconfigured

if TYPE_CHECKING:
    from wattledger.config import Settings
    from wattledger.connectors.smart_meter_texas.api.client import ApiAnswer, SmtClient
    from wattledger.connectors.smart_meter_texas.api.outcomes import Outcome

Esiid = Annotated[str, typer.Argument(help="The meter's ESIID, 17 or 22 digits.", metavar="ESIID")]
Esiids = Annotated[list[str], typer.Argument(help="ESIIDs, 17 or 22 digits each.", metavar="ESIID...")]
Start = Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")]
End = Annotated[str, typer.Option(help="Last day, included, YYYY-MM-DD.")]
Delivery = Annotated[str, typer.Option(help="API for an answer now, FTP for a file in the drop.")]
Correlation = Annotated[str, typer.Argument(help="The correlation id of the request.", metavar="ID")]


def password(settings: Settings) -> str:
    """SMT_PASSWORD, else a hidden prompt, else the first line of a pipe. Raises Misconfigured."""
    if settings.smt_password is not None:
        return settings.smt_password.get_secret_value()
    if sys.stdin.isatty():
        asked: str = typer.prompt(f"Password of {settings.smt_username}", hide_input=True, err=True)
        return asked
    piped = sys.stdin.readline().rstrip("\r\n")
    if not piped:
        raise Misconfigured("SMT_PASSWORD is not set, and there is no terminal to ask for it.")
    return piped


@asynccontextmanager
async def account(data: Path | None) -> AsyncIterator[SmtClient]:
    """The API with the account of the settings."""
    from wattledger.config import load_settings
    from wattledger.connectors.smart_meter_texas.api.client import make_client
    from wattledger.connectors.smart_meter_texas.api.requests import Requester

    settings = load_settings(data)
    who = Requester(settings.smt_username, settings.smt_requester_type, settings.smt_requestor_auth_id)
    client = make_client(settings.smt_api_base_url, who, password(settings))
    try:
        yield client
    finally:
        await client.aclose()


Explain = Callable[["Outcome"], list[str]]


def ask(kind: str, request: dict[str, Any], data: Path | None, explain: Explain | None = None) -> None:
    """Make one request and print the vendor's JSON on stdout, what it means on stderr (`explain` adds lines).

    Exit code 0 when it was answered, taken or is pending; 1 when the vendor said no.
    """
    answer = asyncio.run(_perform(kind, request, data))
    typer.echo(_pretty(answer.body))
    sentences = [sentence(said) for said in answer.outcomes]
    if explain is not None:
        sentences += [line for said in answer.outcomes for line in explain(said)]
    if answer.left:
        sentences.append(
            f"{answer.left} more requests are left for later: {answer.stopped_by or 'daily limit'}."
        )
    for text in dict.fromkeys(sentences):
        typer.echo(text, err=True)
    if any(_refused(said) for said in answer.outcomes):
        raise typer.Exit(1)


async def _perform(kind: str, request: dict[str, Any], data: Path | None) -> ApiAnswer:
    from wattledger.connectors.smart_meter_texas.api.client import perform

    given = {name: value for name, value in request.items() if value is not None}
    async with account(data) as client:
        return await perform(kind, given, client)


def _refused(said: Outcome) -> bool:
    from wattledger.connectors.smart_meter_texas.api.outcomes import Accepted, Answer, Pending

    return not isinstance(said, (Answer, Accepted, Pending))


def sentence(said: Outcome) -> str:
    """One outcome for people."""
    from wattledger.connectors.smart_meter_texas.api import outcomes as kinds

    own = plain(": ".join(filter(None, (said.code, said.message)))) or str(said.status)
    wrong = "".join(f" {plain(f.subject)} was refused: {plain(f.reason)}." for f in said.faults)
    if isinstance(said, kinds.Accepted):
        taken = f"Accepted, correlation id {plain(said.correlation_id)}.{wrong}"
        return "It is in force already; nothing was changed." if said.already else taken
    return {
        kinds.Answer: f"Answered.{wrong}",
        kinds.Pending: "Not ready yet; ask for its status in 15 minutes or later.",
        kinds.NoData: f"Smart Meter Texas has no data for this ({own}).",
        kinds.NotIntegrated: f"This account gets no answers by API ({own}); use --delivery FTP.",
        kinds.NotAuthorised: f"Smart Meter Texas does not allow this ({own}); check the agreement.",
    }.get(type(said), f"Smart Meter Texas refused the request ({own}).{wrong}")


def plain(text: str) -> str:
    """A vendor's text without control characters, at most 300 characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]


def _pretty(body: bytes) -> str:
    """The vendor's JSON, indented and safe for a terminal."""
    try:
        return json.dumps(json.loads(body), indent=2)
    except (ValueError, RecursionError):
        return json.dumps(body.decode("utf-8", "replace"))
