"""`wattledger smt agreements`: what customers have allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.cli.smt_run import Esiid, ask, plain

if TYPE_CHECKING:
    from wattledger.connectors.smart_meter_texas.api.outcomes import Outcome

app = new_app(no_args_is_help=True)
Number = Annotated[str, typer.Argument(help="The agreement's number.", metavar="NUMBER")]
Email = Annotated[str, typer.Option(help="The customer's email address.")]


@app.callback()
def agreements() -> None:
    """List, make and end the agreements under which meters may be read.

    \b
    Example:
      wattledger smt agreements list
    """


@app.command("list")
def list_(
    number: Annotated[str | None, typer.Option(help="Only this agreement.")] = None,
    status: Annotated[str | None, typer.Option(help="PEN, ACT, COM or NACOM.")] = None,
    data: Data = None,
) -> None:
    """List agreements with their status.

    \b
    Example:
      wattledger smt agreements list --status ACT
    """
    ask("agreements", {"agreement_number": number, "status": status}, data, _states)


def _states(said: Outcome) -> list[str]:
    from wattledger.connectors.smart_meter_texas.api.values import agreements

    return [f"Agreement {plain(a.number)} is {a.state} ({plain(a.status)})." for a in agreements(said)]


@app.command()
def new(
    esiid: Esiid,
    email: Email,
    meter: Annotated[str, typer.Option(help="The meter's number.")],
    puct: Annotated[str, typer.Option(help="The retailer's PUCT number.")],
    months: Annotated[int, typer.Option(help="1, 3, 6, 9 or 12; 24 or 36 with --business.")] = 12,
    business: Annotated[bool, typer.Option("--business", help="A large business.")] = False,
    data: Data = None,
) -> None:
    """Ask a customer for an agreement; the customer approves it by email.

    \b
    Example:
      wattledger smt agreements new 10443720000000001 --email me@example.org --meter 12345678 --puct 10052
    """
    meters = [{"esiid": esiid, "meter_number": meter, "puct_number": puct}]
    request = {"email": email, "months": months, "business": business or None, "meters": meters}
    ask("agreement_new", request, data)


@app.command()
def esiids(number: Number, data: Data = None) -> None:
    """List the ESIIDs of an agreement.

    \b
    Example:
      wattledger smt agreements esiids 4711
    """
    ask("agreement_esiids", {"agreement_number": number}, data)


@app.command()
def terminate(number: Number, email: Email, data: Data = None) -> None:
    """End an agreement.

    \b
    Example:
      wattledger smt agreements terminate 4711 --email me@example.org
    """
    ask("agreement_terminate", {"agreement_number": number, "email": email}, data)
