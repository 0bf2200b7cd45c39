"""What `wattledger ingest` prints: one row a file, then every rejection with its line and reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from wattledger.units import kwh, kwh_text

if TYPE_CHECKING:
    from rich.table import Table

    from wattledger.cli.ingest_outcome import Outcome
    from wattledger.store.rows import Summary

NUMBERS = ("rows", "accepted", "superseded", "blank", "rejected", "days", "gaps")
MOST_LINES = 5
LEAST_WIDTH = 124
"""columns that the table needs so that no number is ever cut"""
PLAIN_WIDTH = 160


def show(outcomes: Sequence[Outcome]) -> None:
    """The table on stdout, then notes, rejections and errors, a line each."""
    from rich.console import Console

    stdout = typer.get_text_stream("stdout")
    console = Console(file=stdout, width=None if stdout.isatty() else PLAIN_WIDTH)
    if console.width >= LEAST_WIDTH:
        console.print(_table(outcomes))
    else:
        typer.echo("\n".join(line for outcome in outcomes for line in _narrow(outcome)))
    for outcome in outcomes:
        for line in remarks(outcome):
            typer.echo(line)


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    read = [outcome.delivered.summary for outcome in outcomes if outcome.delivered]
    table = Table(box=box.SIMPLE_HEAD, show_footer=len(outcomes) > 1)
    table.add_column("file", overflow="fold", footer="all files")
    for name in NUMBERS:
        total = sum(getattr(summary, name) for summary in read)
        table.add_column(name, justify="right", no_wrap=True, footer=str(total))
    table.add_column("kWh", justify="right", no_wrap=True, footer=_energy(_sums(read)))
    table.add_column("what", no_wrap=True)
    for outcome in outcomes:
        table.add_row(escape(outcome.path.name), *_cells(outcome), escape(verdict(outcome)))
    return table


def _sums(summaries: Sequence[Summary]) -> dict[str, int]:
    """Wh by flow over all files; flows are never added to each other."""
    flows = dict.fromkeys(flow for summary in summaries for flow in summary.wh)
    return {flow: sum(summary.wh.get(flow, 0) for summary in summaries) for flow in flows}


def _narrow(outcome: Outcome) -> list[str]:
    """The same for a narrow terminal: three lines a file, nothing cut."""
    head = f"{outcome.path.name}: {verdict(outcome)}"
    if outcome.delivered is None:
        return [head]
    s = outcome.delivered.summary
    equation = f"accepted {s.accepted} + superseded {s.superseded} + blank {s.blank} + rejected {s.rejected}"
    energy = ", ".join(f"{flow} {kwh_text(wh)} kWh" for flow, wh in s.wh.items()) or "no energy"
    return [head, f"  rows {s.rows} = {equation}", f"  days {s.days}, gaps {s.gaps}, {energy}"]


def _cells(outcome: Outcome) -> list[str]:
    if outcome.delivered is None:
        return [""] * (len(NUMBERS) + 1)
    summary = outcome.delivered.summary
    return [str(getattr(summary, name)) for name in NUMBERS] + [_energy(summary.wh)]


def _energy(wh: Mapping[str, int]) -> str:
    if len(wh) <= 1:
        return kwh_text(sum(wh.values()))
    return "\n".join(f"{flow} {kwh_text(value)}" for flow, value in wh.items())


def verdict(outcome: Outcome) -> str:
    """One word or two for the last column."""
    if outcome.delivered is None:
        return "not read"
    if outcome.delivered.state != "read":
        return "rejected"
    words = ["duplicate"] if outcome.delivered.duplicate else []
    if outcome.delivered.kind != "interval":
        words.append(outcome.delivered.kind)
    return " ".join(words) or "read"


def remarks(outcome: Outcome) -> list[str]:
    """Every sentence that belongs to a file: why it was refused, which lines were, what to know."""
    name = outcome.path.name
    if outcome.delivered is None:
        return [f"{name}: {outcome.error}"]
    delivered, lines = outcome.delivered, []
    if delivered.reason:
        lines.append(f"{name}: {delivered.reason}")
    if delivered.duplicate:
        lines.append(f"{name}: duplicate of a file that was read before; nothing changed.")
    for rejected in delivered.summary.rejections:
        where = f"{name} line {rejected.line}" if rejected.line else name
        lines.append(f"{where}: {rejected.reason}{_more(rejected.count, rejected.lines)}")
    if delivered.summary.conflicts:
        lines.append(
            f"{name}: {delivered.summary.conflicts} quarter-hours disagree within one revision (flagged)."
        )
    return lines + [f"{name}: {note}" for note in delivered.summary.notes]


def _more(count: int, lines: Sequence[int]) -> str:
    if count <= 1:
        return ""
    shown = ", ".join(map(str, lines[:MOST_LINES]))
    return f" ({count} rows: {shown}{', …' if count > MOST_LINES else ''})" if shown else f" ({count} rows)"


def as_json(outcomes: Sequence[Outcome]) -> None:
    """The same as one JSON list on stdout."""
    typer.echo(json.dumps([_record(outcome) for outcome in outcomes], default=str, indent=2))


def _record(outcome: Outcome) -> dict[str, object]:
    if outcome.delivered is None:
        return {"file": str(outcome.path), "state": "not read", "error": outcome.error}
    delivered, summary = outcome.delivered, outcome.delivered.summary
    return {
        "file": str(outcome.path),
        "state": delivered.state,
        "kind": delivered.kind,
        "duplicate": delivered.duplicate,
        "id": str(delivered.id),
        "sha256": delivered.sha256,
        **{name: getattr(summary, name) for name in NUMBERS},
        "kwh": {flow: kwh(wh) for flow, wh in summary.wh.items()},
        "remarks": remarks(outcome),
    }
