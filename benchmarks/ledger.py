"""Figures of parser and store: how fast a file becomes a committed ledger, beside others' ways."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests import postgres_server
from tests.postgres_server import Server

from benchmarks import parse, store
from benchmarks.figures import Figure, at_least, at_most

FILES = 5
FULL_FILES = 40
"""of 1,248,000 readings each: 50 million"""
YEAR_FILES = 7
DURABLE = "max_connections=50"
"""a server with PostgreSQL's own defaults: what is committed is on the disk"""
_serial = count()


@contextmanager
def urls() -> Iterator[dict[str, str]]:
    """An empty database of each engine, by its name; PostgreSQL where a server can be had."""
    with TemporaryDirectory(prefix="wattledger-bench-") as folder:
        found = {"SQLite": f"sqlite:///{folder}/bench.db"}
        server = _server()
        try:
            if server:
                found["PostgreSQL"] = _database(server)
            yield found
        finally:
            if server:
                server.stop()


def _server() -> Server | None:
    try:
        return postgres_server.start(DURABLE)
    except postgres_server.Unavailable:
        return None


def _database(server: Server) -> str:
    name = f"bench_{next(_serial)}"
    server.run(f"CREATE DATABASE {name}")
    return server.database(name)


def parsing() -> list[Figure]:
    """Our parser beside others' bare parse of one and the same file."""
    with TemporaryDirectory(prefix="wattledger-bench-") as folder:
        speeds = parse.measure(parse.make(Path(folder) / "big.csv"))
    rate = {s.reader: s.rows_per_second for s in speeds}
    ours = rate.pop("wattledger")
    figures = [at_least(f"parse: {s.reader}", [s.rows_per_second], "rows/s") for s in speeds]
    return [*figures, at_least("parse: ours / fastest other", [ours / max(rate.values())], "times")]


def committing() -> list[Figure]:
    """CSV to committed on both engines, with its ratios; bytes a reading; queries; a year's file."""
    figures = []
    with urls() as databases:
        for engine, url in databases.items():
            with TemporaryDirectory(prefix="wattledger-bench-") as folder:
                figures += _engine(engine, url, Path(folder))
        if "PostgreSQL" in databases:
            with urls() as fresh:
                figures += _against_originals(figures, store.originals_way(fresh["PostgreSQL"]))
    return figures


def _engine(engine: str, url: str, folder: Path) -> list[Figure]:
    """One engine. The bare parses are timed right before and after, so that both meet the same machine."""
    big = parse.make(folder / "big.csv")
    bare = _bare(big)
    run = asyncio.run(store.ingest(url, folder, [store.a_file(n) for n in range(FILES)]))
    fastest, own = (median(pair) for pair in zip(bare, _bare(big), strict=True))
    rate = median(run.per_second)
    year = asyncio.run(_years(url, folder))
    day = [1000 * s for s in asyncio.run(store.queries(url, folder)).meter_day]
    archive = run.archive_bytes / (run.readings * FILES)
    return [
        at_least(_committed(engine), run.per_second, "readings/s"),
        at_least(f"{engine}: share of the fastest bare parse", [100 * rate / fastest], "%", 40),
        at_least(f"{engine}: share of our own parse", [100 * rate / own], "%"),
        at_most(f"{engine}: energy tables", [run.bytes_per_reading], "bytes/reading", 7),
        at_most(f"{engine}: archive beside them", [archive], "bytes/reading"),
        at_most(f"{engine}: a meter's year, one file", year, "s", 0.3),
        at_most(f"{engine}: a meter's day, driver's thread", [median(day)], "ms", 0.1),
    ]


def _bare(path: Path) -> tuple[float, float]:
    """Rows/s of the fastest other reader, and of ours."""
    rate = {s.reader: s.rows_per_second for s in parse.measure(path, runs=3)}
    own = rate.pop("wattledger")
    return max(rate.values()), own


def _committed(engine: str) -> str:
    return f"{engine}: CSV to committed"


async def _years(url: str, folder: Path) -> list[float]:
    """Seconds to deliver a year of one meter, another meter each time."""
    files = [store.a_file(900 + n, meters=1, days=365) for n in range(YEAR_FILES)]
    return list((await store.ingest(url, folder, files)).seconds[1:])


def _against_originals(figures: Sequence[Figure], originals: float) -> list[Figure]:
    found = [at_least("the originals' way: one INSERT a reading", [originals], "readings/s")]
    for figure in figures:
        if figure.what.endswith("CSV to committed"):
            engine = figure.what.partition(":")[0]
            found.append(at_least(f"{engine} / the originals' way", [figure.value / originals], "times", 100))
    return found


def memory() -> list[Figure]:
    """Fifty million readings into SQLite, in a fresh process: nothing measured before counts."""
    with TemporaryDirectory(prefix="wattledger-bench-") as folder:
        asked = f"store.peak_memory('sqlite:///{folder}/bench.db', Path({folder!r}), {FULL_FILES})"
        code = f"from pathlib import Path\nfrom benchmarks import store\nprint(*astuple({asked}))"
        words = [sys.executable, "-c", f"from dataclasses import astuple\n{code}"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    readings, peak, seconds = (float(word) for word in done.stdout.split())
    return [
        at_most(f"peak memory for {readings:,.0f} readings", [peak / 1e6], "MB", 700),
        at_least("readings/s over all of them", [readings / seconds], "readings/s"),
    ]
