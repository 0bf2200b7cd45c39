"""`wattledger export`: the same series as the API, to a file or stdout."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.options import Data
from wattledger.errors import NotFound, Refused

if TYPE_CHECKING:
    from wattledger.model import Flow
    from wattledger.store import Store
    from wattledger.store.rows import UsagePointRow

app = new_app()


class Format(StrEnum):
    """What `--format` takes."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    GREENBUTTON = "greenbutton"


class Step(StrEnum):
    """What `--by` takes."""

    INTERVAL = "interval"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Direction(StrEnum):
    """What `--flow` takes."""

    DELIVERED = "delivered"
    RECEIVED = "received"


@app.command()
def export(
    point: Annotated[
        str | None, typer.Argument(help="ESIID or id; may be left out where there is one meter.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="First local day, YYYY-MM-DD; else the first known.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Day after the last; else after the last known.")] = None,
    by: Annotated[Step, typer.Option(help="Length of one value.")] = Step.INTERVAL,
    flow: Annotated[Direction, typer.Option(help="Energy to the site, or from it.")] = Direction.DELIVERED,
    format: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.CSV,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write, else stdout.")] = None,
    data: Data = None,
) -> None:
    """Write energy as CSV, JSON, Parquet or Green Button; unknown values stay empty.

    \b
    Example:
      wattledger export > all.csv
      wattledger export 10443720000000000 --by day --start 2025-01-01 --end 2026-01-01 --format json
      wattledger export --format parquet -o year.parquet
    """
    body = asyncio.run(_export(point, (_date("--start", start), _date("--end", end)), by, flow, format, data))
    if output:
        output.write_bytes(body)
        typer.echo(f"{output}: {len(body):,} bytes.", err=True)
    else:
        sys.stdout.buffer.write(body)


async def _export(
    wanted: str | None,
    bounds: tuple[date | None, date | None],
    by: Step,
    flow: Direction,
    format: Format,
    data: Path | None,
) -> bytes:
    from wattledger.cli.runtime import opened
    from wattledger.model import Flow as Flows
    from wattledger.web import formats
    from wattledger.web.green_button import green_button

    async with opened(data) as runtime:
        point = await _point(runtime.store, wanted)
        direction = Flows[flow.upper()]
        start, end = await _bounds(runtime.store, point, direction, bounds)
        series = await runtime.store.energy.series(point, direction, start, end, by.value)
        question = formats.Question(point, direction, by.value, runtime.clock.now())
    writers = {
        Format.CSV: formats.as_csv,
        Format.JSON: formats.as_json,
        Format.PARQUET: formats.as_parquet,
        Format.GREENBUTTON: green_button,
    }
    return writers[format](question, series)


async def _point(store: Store, wanted: str | None) -> UsagePointRow:
    points = await store.points.list(None)
    found = [p for p in points if wanted in (None, p.id, p.external_id)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(p.external_id for p in points) or "none yet; read a file with `wattledger ingest`"
    if wanted is None and found:
        raise Refused(f"There are several usage points; name one of: {known}.", "WHICH_POINT")
    missing = f"no usage point {wanted}" if wanted else "no usage point"
    raise NotFound(f"There is {missing}; there are: {known}.")


async def _bounds(
    store: Store, point: UsagePointRow, flow: Flow, bounds: tuple[date | None, date | None]
) -> tuple[date, date]:
    start, end = bounds
    if start is None or end is None:
        known = await store.energy.coverage(point, flow)
        if known.first_day is None or known.last_day is None:
            raise NotFound(f"Nothing is known of that direction of {point.external_id}.")
        start, end = start or known.first_day, end or known.last_day + timedelta(days=1)
    if end <= start:
        raise Refused("--end must be after --start; it is the day after the last.", "BAD_RANGE", "end")
    return start, end


def _date(option: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"{option} {text!r} is no date; write it as YYYY-MM-DD.", "BAD_DATE", option) from None
