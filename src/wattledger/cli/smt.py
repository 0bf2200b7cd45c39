"""`wattledger smt`: the Smart Meter Texas API, from the host whose address is whitelisted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli import smt_agreements, smt_subscriptions
from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.cli.smt_run import Correlation, Delivery, End, Esiid, Esiids, Start, ask, password, plain

if TYPE_CHECKING:
    from wattledger.connectors.smart_meter_texas.api.outcomes import Outcome
    from wattledger.connectors.smart_meter_texas.auth import TokenAnswer

app = new_app(no_args_is_help=True)
app.add_typer(smt_agreements.app, name="agreements")
app.add_typer(smt_subscriptions.app, name="subscriptions")


@app.callback()
def smt() -> None:
    """Ask the Smart Meter Texas API. Only the whitelisted host may: run it where the relay runs.

    \b
    Example:
      wattledger smt token
      wattledger smt backfill 10443720000000001 --start 2026-10-01 --end 2026-10-31
    """


@app.command()
def token(
    show: Annotated[bool, typer.Option("--show", help="Print the whole token.")] = False,
    data: Data = None,
) -> None:
    """Check the sign-in live: get a JWT and print the answer, the token masked.

    The password comes from SMT_PASSWORD or is asked for without echo.

    \b
    Example:
      wattledger smt token
    """
    said = asyncio.run(_token(data))
    typer.echo(f"statusCode  {said.status_code}")
    typer.echo(f"tokenType   {said.token_type}")
    typer.echo(f"expiresIn   {said.expires_in}")
    typer.echo(f"issuedAt    {said.issued_at}")
    typer.echo(f"expiresAt   {said.expires_at}")
    typer.echo(f"accessToken {said.access if show else masked(said.access)}")


async def _token(data: Path | None) -> TokenAnswer:
    from wattledger.config import load_settings
    from wattledger.connectors.http import open_client
    from wattledger.connectors.smart_meter_texas.auth import sign_in

    settings = load_settings(data)
    async with open_client(settings.smt_api_base_url) as http:
        return await sign_in(http, settings.smt_username, password(settings))


def masked(word: str) -> str:
    """The first and last four characters of a token, where it is long enough for that."""
    return f"{word[:4]}…{word[-4:]}" if len(word) >= 24 else "…"


@app.command()
def backfill(
    esiids: Esiids,
    start: Start,
    end: End,
    reading: Annotated[str, typer.Option(help="A both flows, C consumption, G generation.")] = "A",
    data: Data = None,
) -> None:
    """Ask for 15-minute reads of past days; the files arrive in the SFTP drop within hours.

    A long request is cut so that it stays within what the vendor takes in a day.

    \b
    Example:
      wattledger smt backfill 10443720000000001 --start 2026-10-01 --end 2026-10-31
    """
    ask("backfill", {"esiids": esiids, "start": start, "end": end, "reading": reading}, data)


@app.command("report-status")
def report_status(
    correlation_id: Correlation,
    service: Annotated[str, typer.Option(help="ADHOC or SUBSCRIPTION.")] = "ADHOC",
    data: Data = None,
) -> None:
    """Ask how far a requested report is.

    \b
    Example:
      wattledger smt report-status 202611210001
    """
    ask("report_status", {"correlation_id": correlation_id, "service": service}, data)


@app.command("daily-reads")
def daily_reads(
    esiids: Esiids, start: Start, end: End, delivery: Delivery = "API", data: Data = None
) -> None:
    """Ask for daily register reads.

    \b
    Example:
      wattledger smt daily-reads 10443720000000001 --start 2026-11-01 --end 2026-11-07
    """
    ask("daily_reads", {"esiids": esiids, "start": start, "end": end, "delivery": delivery}, data)


@app.command("billing")
def billing(esiids: Esiids, start: Start, end: End, delivery: Delivery = "API", data: Data = None) -> None:
    """Ask for monthly billing reads.

    \b
    Example:
      wattledger smt billing 10443720000000001 --start 2026-01-01 --end 2026-10-31
    """
    ask("monthly_billing", {"esiids": esiids, "start": start, "end": end, "delivery": delivery}, data)


@app.command("meter-info")
def meter_info(esiids: Esiids, delivery: Delivery = "FTP", data: Data = None) -> None:
    """Ask for a meter's serial number, multiplier and settings.

    \b
    Example:
      wattledger smt meter-info 10443720000000001
    """
    ask("meter_info", {"esiids": esiids, "delivery": delivery}, data)


@app.command("premise-info")
def premise_info(esiids: Esiids, delivery: Delivery = "API", data: Data = None) -> None:
    """Ask for a premise's address, load profile and time zone.

    \b
    Example:
      wattledger smt premise-info 10443720000000001
    """
    ask("premise_info", {"esiids": esiids, "delivery": delivery}, data)


@app.command()
def read(esiid: Esiid, data: Data = None) -> None:
    """Have a meter read now: at most twice an hour. The reading comes with `smt read-status`.

    \b
    Example:
      wattledger smt read 10443720000000001
    """
    ask("on_demand_read", {"esiid": esiid}, data)


@app.command("read-status")
def read_status(correlation_id: Correlation, data: Data = None) -> None:
    """Ask for the result of an on-demand read. While it is pending the value in it is no reading.

    \b
    Example:
      wattledger smt read-status 202611210001
    """
    ask("on_demand_status", {"correlation_id": correlation_id}, data, _reading)


def _reading(said: Outcome) -> list[str]:
    from wattledger.connectors.smart_meter_texas.api.values import on_demand_reading

    found = on_demand_reading(said)
    return [f"The register showed {found.kwh} kWh at {plain(found.read_at)} Central."] if found else []
