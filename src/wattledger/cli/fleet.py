"""`wattledger fleet`: replay, digest, gaps and totals of all usage points, as Dask tasks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import AsJson, Data

if TYPE_CHECKING:
    from wattledger.fleet.run import Order, Planned, Result

app = new_app(no_args_is_help=True)

From = Annotated[
    str | None,
    typer.Option("--from", metavar="PLACE", help="Read Parquet there (folder or s3://...), not the ledger."),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="PLACE", help="Write Parquet there: a folder, or s3://bucket/prefix."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A cluster's scheduler, tcp://host:8786; else processes here."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes here. Default: one a core.")]
Size = Annotated[int, typer.Option("--partition", min=1, help="Usage points of a partition.")]
Anew = Annotated[bool, typer.Option("--anew", help="Forget what an earlier, unfinished run did.")]


@app.callback()
def fleet() -> None:
    """Bulk work over all usage points, in partitions that run side by side.

    A run that was cut short goes on where it was. A partition that cannot be read is reported and skipped,
    with exit code 1; the same command again does only what is missing.

    \b
    Example:
      wattledger fleet totals --to totals
    """


@app.command()
def replay(
    to: To = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    partition: Size = 200,
    anew: Anew = False,
    json_: AsJson = False,
    data: Data = None,
) -> None:
    """Recompute all energy from the archive, into the ledger or into Parquet.

    \b
    Example:
      wattledger fleet replay
      wattledger fleet replay --to s3://bucket/energy
    """
    _run("replay", (None, to), scheduler, (workers, partition, anew), json_, data)


@app.command()
def digest(
    source: From = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    partition: Size = 200,
    anew: Anew = False,
    json_: AsJson = False,
    data: Data = None,
) -> None:
    """Print the word of `wattledger db digest`, of the ledger or of Parquet.

    \b
    Example:
      wattledger fleet digest
      wattledger fleet digest --from s3://bucket/energy --scheduler tcp://10.0.0.5:8786
    """
    _run("digest", (source, None), scheduler, (workers, partition, anew), json_, data)


@app.command()
def gaps(
    source: From = None,
    to: To = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    partition: Size = 200,
    anew: Anew = False,
    json_: AsJson = False,
    data: Data = None,
) -> None:
    """Count runs of quarter-hours without a reading; with --to each of them is listed.

    \b
    Example:
      wattledger fleet gaps --to gaps
    """
    _run("gaps", (source, to), scheduler, (workers, partition, anew), json_, data)


@app.command()
def totals(
    source: From = None,
    to: To = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    partition: Size = 200,
    anew: Anew = False,
    json_: AsJson = False,
    data: Data = None,
) -> None:
    """Add up local months of the whole fleet; with --to those of each usage point are listed.

    \b
    Example:
      wattledger fleet totals
    """
    _run("totals", (source, to), scheduler, (workers, partition, anew), json_, data)


def _run(
    verb: str,
    places: tuple[str | None, str | None],
    scheduler: str | None,
    how: tuple[int | None, int, bool],
    as_json: bool,
    data: Path | None,
) -> None:
    from wattledger.config import load_settings
    from wattledger.fleet.outcome import figures
    from wattledger.fleet.run import Order

    workers, size, anew = how
    order = Order(verb, load_settings(data).data, *places, size, scheduler, workers, anew)
    result = _done(order, asyncio.run(_planned(order)))
    found: dict[str, Any] = {
        "partitions": result.partitions,
        "resumed": result.resumed,
        "skipped": [{"partition": one.part, "reason": one.problem} for one in result.problems],
        **figures(verb, result.done),
    }
    typer.echo(json.dumps(found)) if as_json else _tell(verb, found)
    if result.problems:
        raise typer.Exit(EXIT_ERROR)


async def _planned(order: Order) -> Planned:
    from wattledger.cli.runtime import opened
    from wattledger.clock import SystemClock
    from wattledger.fleet.run import of_lake, of_ledger

    now = SystemClock().now().timestamp()
    if order.source is not None:
        return of_lake(order, now)
    async with opened(order.data) as runtime:
        return await of_ledger(runtime.store, order, now)


def _done(order: Order, planned: Planned) -> Result:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from wattledger.fleet.run import run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"fleet {order.verb}", total=len(planned.tasks))
        result, journal = run(
            order, planned, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    if order.verb == "replay" and order.to is None:
        asyncio.run(_finished(order, result))
    if not result.problems:
        journal.clear()
    return result


async def _finished(order: Order, result: Result) -> None:
    from wattledger.cli.runtime import opened
    from wattledger.fleet.outcome import finish_replay

    async with opened(order.data) as runtime:
        again = await finish_replay(runtime.store, result.done)
        about = {"partitions": result.partitions, "skipped": len(result.problems), "read_wholly": again}
        await runtime.store.audit.record(None, "command line", "ledger.replayed", "ledger", about)


def _tell(verb: str, found: dict[str, Any]) -> None:
    for one in found["skipped"]:
        typer.echo(f"Partition {one['partition']} was skipped: {one['reason']}", err=True)
    if found["resumed"]:
        typer.echo(f"{found['resumed']} of {found['partitions']} partitions were done before.", err=True)
    if verb == "digest":
        if found["skipped"]:
            typer.echo("There is no digest of a part; see what was skipped.", err=True)
            return
        typer.echo(found["digest"])
    elif verb == "totals":
        _tell_months(found["months"])
    elif verb == "gaps":
        typer.echo(
            f"{found['with_gaps']:,} of {found['series']:,} series have {found['runs']:,} gap(s), "
            f"{found['missing']:,} quarter-hours in all."
        )
    else:
        typer.echo(f"{found['payloads']:,} payloads were read in {found['partitions']:,} partition(s).")
        for id, reason in found["unreadable"]:
            typer.echo(f"Payload {id} cannot be read any more: {reason}", err=True)


def _tell_months(months: dict[str, list[int]]) -> None:
    from wattledger.model import Flow

    typer.echo("month    flow       usage points              kWh  known")
    for name, (points, wh, found, expected) in months.items():
        month, flow = name.split()
        share = 100 * found / expected if expected else 0
        kwh = f"{wh // 1000:,}.{wh % 1000:03d}"
        typer.echo(f"{month}  {Flow(int(flow)).name.lower():<9}  {points:>12,} {kwh:>16}  {share:.1f} %")
