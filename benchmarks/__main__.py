"""`./dev bench`: one run, one table; `--write` puts it into docs/performance.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import alerts, fleet, ledger, road, scaling, smartcar, smartthings, texas, webhooks
from benchmarks.figures import Figure, as_markdown, as_text, machine
from benchmarks.pages import put, read
from benchmarks.peers import table as peers
from benchmarks.peers.measures import SEED, Plan
from benchmarks.rows import merged
from wattledger.clock import SystemClock

PARTS = ("ledger", "road", "smartthings", "smartcar", "webhooks", "alerts", "texas", "scaling")
APART = ("texas", "scaling")
"""parts with a table of their own, measured only when they are named"""


def main() -> None:
    """Measure what was asked for, print it, and write it where that was asked for."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measure; every figure is a median.")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument(
        "--full",
        action="store_true",
        help="add what takes many minutes: fifty million readings, the fleet's verbs",
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--share", type=float, default=0.001, help="of Texas, for --only texas")
    parser.add_argument("--peers", action="store_true", help="other products and ways, in a table of its own")
    parser.add_argument("--meters", type=int, default=100, help="of the table of peers, each with a year")
    chosen = parser.parse_args()
    if chosen.peers:
        _peers(chosen.meters, write=chosen.write)
        return
    if chosen.only == "texas":
        figures = _said("a night of Texas", lambda: texas.measure(chosen.share))
    elif chosen.only == "scaling":
        figures = _said("another hub, another worker", lambda: scaling.measure(full=chosen.full))
    else:
        figures = measured(chosen.only, full=chosen.full)
    print(f"{machine()}\n\n{as_text(figures)}")
    if chosen.write:
        part = chosen.only if chosen.only in APART else ""
        put("performance.md", merged(read("performance.md", part), _run(), as_markdown(figures)), part)


def _run() -> str:
    said = " ".join(["./dev bench", *sys.argv[1:]])
    return f"`{said}`, {SystemClock().now().date()}, {machine()}."


def _peers(meters: int, *, write: bool) -> None:
    plan = Plan(meters)
    results = peers.run(plan)
    print(f"{machine()}\n\n{peers.as_text(results, plan)}")
    if write:
        run = f"{_run()} Seed {SEED}, {meters} meters."
        put("performance.md", f"{run}\n\n{peers.as_markdown(results, plan)}", "peers")


def measured(only: str | None, *, full: bool) -> list[Figure]:
    """Every figure that was asked for, one part after the other."""
    figures: list[Figure] = []
    if only in (None, "ledger"):
        figures += _said("parser and store", _ledger)
    if only in (None, "road"):
        figures += _said("relay and hub on loopback", road.measure)
    if only in (None, "smartthings"):
        figures += _said("SmartThings: polling and observations", smartthings.measure)
    if only in (None, "smartcar"):
        figures += _said("Smartcar: reading what cars say", smartcar.measure)
        figures += _said("Smartcar: polling a fleet", fleet.measure)
    if only in (None, "webhooks"):
        figures += _said("webhooks", webhooks.measure)
    if only in (None, "alerts"):
        figures += _said("looking for alerts", alerts.measure)
    if full:
        figures += _said("fifty million readings", ledger.memory)
    return figures


def _ledger() -> list[Figure]:
    return [*ledger.parsing(), *ledger.committing()]


def _said(what: str, measure: Callable[[], list[Figure]]) -> list[Figure]:
    print(f"measuring: {what}", file=sys.stderr)
    return measure()


if __name__ == "__main__":
    main()
