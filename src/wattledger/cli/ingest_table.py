"""What `wattledger ingest` prints: one row a file, then every rejection with its line and reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from wattledger.units import kwh, kwh_text

if TYPE_CHECKING:
    from rich.table import Table

    from wattledger.cli.ingest import Outcome
    from wattledger.store.rows import Summary

NUMBERS = ("rows", "accepted", "superseded", "blank", "rejected", "days", "gaps")
MOST_LINES = 5


def show(outcomes: Sequence[Outcome]) -> None:
    """The table on stdout, then notes, rejections and errors, a line each."""
    from rich.console import Console

    wide = None if typer.get_text_stream("stdout").isatty() else 160
    Console(width=wide, soft_wrap=False).print(_table(outcomes))
    for outcome in outcomes:
        for line in remarks(outcome):
            typer.echo(line)


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=len(outcomes) > 1)
    table.add_column("file", overflow="fold", footer="all files")
    for name in NUMBERS:
        total = sum(getattr(o.delivered.summary, name) for o in outcomes if o.delivered)
        table.add_column(name, justify="right", footer=str(total))
    total_wh = sum(sum(o.delivered.summary.wh.values()) for o in outcomes if o.delivered)
    table.add_column("kWh", justify="right", footer=kwh_text(total_wh))
    table.add_column("what")
    for outcome in outcomes:
        table.add_row(escape(outcome.path.name), *_cells(outcome), escape(verdict(outcome)))
    return table


def _cells(outcome: Outcome) -> list[str]:
    if outcome.delivered is None:
        return [""] * (len(NUMBERS) + 1)
    summary = outcome.delivered.summary
    return [str(getattr(summary, name)) for name in NUMBERS] + [_energy(summary)]


def _energy(summary: Summary) -> str:
    if len(summary.wh) <= 1:
        return kwh_text(sum(summary.wh.values()))
    return "\n".join(f"{flow} {kwh_text(wh)}" for flow, wh in summary.wh.items())


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
        lines.append(f"{name} line {rejected.line}: {rejected.reason}{_more(rejected.count, rejected.lines)}")
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
