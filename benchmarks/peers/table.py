"""All peers in one run, and their table with each one's settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from benchmarks.figures import aligned, number, piped
from benchmarks.peers import duck, home_assistant, influxdb, ours, postgres, victoria_metrics
from benchmarks.peers.measures import Plan, Result, measured
from benchmarks.peers.protocol import Peer

PEERS: tuple[type[Peer], ...] = (
    ours.Ours,
    ours.OursOnPostgres,
    influxdb.InfluxDB,
    victoria_metrics.VictoriaMetrics,
    victoria_metrics.Deduplicated,
    duck.Duck,
    postgres.Rows,
    postgres.RevisedRows,
    home_assistant.HomeAssistant,
    postgres.RowByRow,
)
HEAD = (
    "peer",
    "version",
    "ingest, readings/s",
    "re-ingest, s",
    "revise 1 %, s",
    "meter-day, ms",
    "meter-year, ms",
    "fleet month, ms",
    "bytes/reading",
    "right: re-ingested",
    "revised",
    "revision first",
    "25 h day",
)
OURS = "wattledger"
MEASURES: dict[str, Callable[[Result], float]] = {
    "ingest": lambda r: 1 / r.per_second,
    "re-ingest": lambda r: r.merged or r.again,
    "revise 1 %": lambda r: r.revise,
    "meter-day": lambda r: r.reads[0],
    "meter-year": lambda r: r.reads[1],
    "fleet month": lambda r: r.reads[2],
    "bytes": lambda r: r.bytes_per_reading,
}
"""what should be small"""
_VERDICTS = ("re-ingest", "revision", "out of order", "25 h day")


def run(plan: Plan, peers: Iterable[type[Peer]] = PEERS) -> list[Result]:
    """One peer after the other; says on stderr which one is at work."""
    results = []
    for peer in peers:
        print(f"measuring: {peer.name}", file=sys.stderr)
        results.append(measured(peer(), plan))
    return results


def cells(result: Result, plan: Plan) -> Sequence[str]:
    """One row. `~` marks seconds and milliseconds that were reckoned up from a share of the meters."""
    if result.absent:
        return (result.name, f"absent: {result.absent}", *[""] * (len(HEAD) - 2))
    about = "~" if result.meters < plan.meters else ""
    merged = "" if result.merged is None else f" ({number(result.merged)})"
    core = "" if result.core is None else f" ({number(result.core)})"
    day, year, month = map(number, result.reads)
    return (
        result.name,
        result.version,
        number(result.per_second),
        f"{about}{number(result.again)}{merged}",
        f"{about}{number(result.revise)}",
        day,
        year,
        f"{about}{month}",
        f"{number(result.bytes_per_reading)}{core}",
        *(str(result.verdicts[name]) for name in _VERDICTS),
    )


def as_markdown(results: Sequence[Result], plan: Plan) -> str:
    """The table, who is ahead of us, and each one's settings."""
    settings = [f"- **{r.name}**: {_given(r, plan)}{r.how}" for r in results]
    return "\n".join([piped(_rows(results, plan)), "", *ahead(results), "", *settings])


def as_text(results: Sequence[Result], plan: Plan) -> str:
    """The same for a terminal, without the settings."""
    return "\n".join([aligned(_rows(results, plan)), "", *ahead(results)])


def _rows(results: Sequence[Result], plan: Plan) -> list[Sequence[str]]:
    return [HEAD, *(cells(result, plan) for result in results)]


def ahead(results: Sequence[Result]) -> list[str]:
    """A sentence for each measure: who is ahead of the better of our two. Ours counts the repacked file."""
    present = [result for result in results if not result.absent]
    mine = [result for result in present if result.name.startswith(OURS)]
    if not mine:
        return []
    said = []
    for what, of in MEASURES.items():
        best = min(map(of, mine))
        others = sorted((r for r in present if r not in mine and of(r) < best), key=of)
        names = ", ".join(f"{r.name} ({number(best / of(r))} times)" for r in others)
        said.append(f"{what}: {names or 'nobody'}")
    return ["Ahead of the better of our two engines, by:", "", *(f"- {line}." for line in said)]


def _given(result: Result, plan: Plan) -> str:
    if result.absent or result.meters == plan.meters:
        return ""
    return f"{result.meters} of the {plan.meters} meters. "
