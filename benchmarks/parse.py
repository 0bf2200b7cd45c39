"""How fast CSV becomes readings: our parser beside the fastest general readers, on one and the same file.

The others only split and type the columns; ours also decodes days, slots, revisions and refusals.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.payloads import smt

from wattledger.connectors import connector
from wattledger.model import Payload, Source


@dataclass(frozen=True, slots=True)
class Speed:
    """Median of several runs of one reader over one file."""

    reader: str
    rows: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows read in a second."""
        return self.rows / self.seconds


def ours(path: Path) -> int:
    """File bytes to blocks of integer Wh; one thread."""
    payload = Payload("smart_meter_texas", Source.UPLOAD, path.read_bytes(), datetime(2027, 1, 1, tzinfo=UTC))
    return connector("smart_meter_texas").parse(payload).rows


def duckdb_reader(path: Path) -> int:
    """DuckDB's own CSV reader with inferred types, all cores; every kWh is summed so that it is read."""
    import duckdb

    query = f"select count(*), sum(USAGE_KWH), max(USAGE_END_TIME) from read_csv('{path}', header=true)"
    return int(duckdb.sql(query).fetchall()[0][0])


def pyarrow_reader(path: Path) -> int:
    """pyarrow.csv with inferred types, all cores."""
    from pyarrow import csv

    return int(csv.read_csv(path).num_rows)


def polars_reader(path: Path) -> int:
    """polars.read_csv with inferred types, all cores."""
    import polars

    return int(polars.read_csv(path).height)


READERS: dict[str, Callable[[Path], int]] = {
    "wattledger": ours,
    "duckdb": duckdb_reader,
    "pyarrow": pyarrow_reader,
    "polars": polars_reader,
}


def make(path: Path, meters: int = 200, days: int = 60) -> Path:
    """The raw export of many meters, one file."""
    path.write_bytes(smt.big(meters, days))
    return path


def measure(path: Path, runs: int = 5, readers: dict[str, Callable[[Path], int]] = READERS) -> list[Speed]:
    """Every reader's median over one file, the runs of all readers dealt out in turn."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    rows = dict.fromkeys(readers, 0)
    for _ in range(runs):
        for name, read in readers.items():
            begin = time.perf_counter()
            rows[name] = read(path)
            times[name].append(time.perf_counter() - begin)
    return [Speed(name, rows[name], median(times[name])) for name in readers]


def table(speeds: list[Speed]) -> str:
    """The speeds as lines of text, with the ratio to the fastest of the others."""
    best = max((s.rows_per_second for s in speeds if s.reader != "wattledger"), default=1.0)
    return "\n".join(
        f"{s.reader:12} {s.rows_per_second / 1e6:7.2f} M rows/s  {s.rows_per_second / best:6.1%}"
        for s in speeds
    )


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        size = [int(n) for n in sys.argv[1:3]] or [200, 60]
        print(table(measure(make(Path(folder) / "big.csv", *size))))
