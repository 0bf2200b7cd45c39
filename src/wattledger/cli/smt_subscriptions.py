"""`wattledger smt subscriptions`: what is delivered every day."""

from __future__ import annotations

from typing import Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.cli.smt_run import ask

app = new_app(no_args_is_help=True)


@app.callback()
def subscriptions() -> None:
    """List, make and end subscriptions to daily deliveries.

    \b
    Example:
      wattledger smt subscriptions list
    """


@app.command("list")
def list_(data: Data = None) -> None:
    """List subscriptions.

    \b
    Example:
      wattledger smt subscriptions list
    """
    ask("subscriptions", {}, data)


@app.command()
def new(
    kind: Annotated[str, typer.Option(help="CSPENROLL, SCHEDULE, SCHEDULES or REPENROLL.")] = "CSPENROLL",
    content: Annotated[str, typer.Option(help="INTERVAL, DAILY or MONTHLY.")] = "INTERVAL",
    history: Annotated[int, typer.Option(help="Months of history: 3, 6, 9, 12 or 24.")] = 12,
    data: Data = None,
) -> None:
    """Subscribe to daily files in the drop. One that is active already is a success.

    \b
    Example:
      wattledger smt subscriptions new --content INTERVAL --history 12
    """
    ask("subscription_new", {"type": kind, "data": content, "history_months": history}, data)


@app.command()
def end(
    number: Annotated[str, typer.Argument(help="The subscription's number.", metavar="NUMBER")],
    data: Data = None,
) -> None:
    """End a subscription.

    \b
    Example:
      wattledger smt subscriptions end 4711
    """
    ask("subscription_end", {"subscription_number": number}, data)
