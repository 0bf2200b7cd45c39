"""A measured figure, the table of them, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

RUNS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, its median with unit, the spread, and how it stands to its goal."""

    what: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row as text."""
        spread = f" ({number(self.spread[0])} - {number(self.spread[1])})" if self.spread else ""
        verdict = {None: "", True: "yes", False: "NO"}[self.met]
        return self.what, f"{number(self.value)} {self.unit}{spread}".strip(), self.goal, verdict


HEAD = ("what", "median (least - most)", "goal", "reached")


def number(value: float) -> str:
    """Three figures that matter, thousands separated."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def at_least(what: str, samples: Sequence[float], unit: str, goal: float | None = None) -> Figure:
    """A figure that should be large."""
    median = statistics.median(samples)
    text = f">= {number(goal)} {unit}" if goal is not None else ""
    return Figure(what, median, unit, _spread(samples), text, None if goal is None else median >= goal)


def at_most(what: str, samples: Sequence[float], unit: str, goal: float | None = None) -> Figure:
    """A figure that should be small."""
    median = statistics.median(samples)
    text = f"<= {number(goal)} {unit}" if goal is not None else ""
    return Figure(what, median, unit, _spread(samples), text, None if goal is None else median <= goal)


def _spread(samples: Sequence[float]) -> tuple[float, float] | None:
    return (min(samples), max(samples)) if len(samples) > 1 else None


def seconds(work: Callable[[], object], runs: int = RUNS) -> list[float]:
    """How long each of `runs` calls took, after one that does not count."""
    work()
    took = []
    for _ in range(runs):
        before = perf_counter()
        work()
        took.append(perf_counter() - before)
    return took


def as_text(figures: Iterable[Figure]) -> str:
    """The table for a terminal."""
    return aligned([HEAD, *(figure.cells for figure in figures)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of one length in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)


def as_markdown(figures: Iterable[Figure]) -> str:
    """The table for a page."""
    return piped([HEAD, *(figure.cells for figure in figures)])


def piped(rows: Sequence[Sequence[str]]) -> str:
    """Rows of one length in Markdown; the first is the head."""
    head, *others = rows
    lines = [head, ["---"] * len(head), *others]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def machine() -> str:
    """Processor, cores, memory, system and Python of this machine, in one line."""
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} core(s), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
