"""A generated fleet as files: the utility's nightly CSV of 200 meters each, or hive-partitioned Parquet.

python -m benchmarks.fleet_files FOLDER --meters 8000 --first 2026-01-01 --days 31 [--revised] [--parquet]
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from wattledger import localday
from wattledger.fleet import tables
from wattledger.fleet.held import Point
from wattledger.fleet.place import Place
from wattledger.localday import MOST_SLOTS
from wattledger.merge import Blocks
from wattledger.model import MISSING, Flow
from wattledger.simulators.fleet import METERS_A_FILE, Fleet
from wattledger.simulators.home import CENTRAL
from wattledger.store.ledger.blocks import Keys


def main() -> None:
    """Write what was asked for."""
    parser = argparse.ArgumentParser(description="Make the files of a fleet from a seed.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--meters", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--revised", action="store_true", help="as corrected later: 2 %% of the meter-days")
    parser.add_argument("--parquet", action="store_true", help="days as Parquet instead of CSV")
    chosen = parser.parse_args()
    fleet = Fleet(chosen.meters, chosen.seed)
    make = parquet if chosen.parquet else csv
    print(f"{make(fleet, chosen.folder, chosen.first, chosen.days, chosen.revised):,} bytes")


def csv(fleet: Fleet, folder: Path, first: date, days: int, revised: bool = False) -> int:
    """Nightly files. Returns their bytes."""
    size = 0
    for n in range(days):
        day = first + timedelta(n)
        below = folder / f"{day}{'-revised' if revised else ''}"
        below.mkdir(parents=True, exist_ok=True)
        for one in fleet.night(day, revised):
            size += (below / f"{one.serial:05d}.csv").write_bytes(one.body)
    return size


def parquet(fleet: Fleet, folder: Path, first: date, days: int, revised: bool = False) -> int:
    """The same days as a lake of 200 meters a partition. Returns its bytes."""
    size = 0
    for part, start in enumerate(range(0, fleet.meters, METERS_A_FILE)):
        meters = range(start, min(start + METERS_A_FILE, fleet.meters))
        points = [Point(fleet.esiid(meter), "meter", CENTRAL) for meter in meters]
        numbers = range(localday.number(first), localday.number(first) + days)
        made = [_blocks(fleet, meters, n, revised) for n in numbers]
        keys = Keys(*(np.concatenate([getattr(k, f.name) for k, _ in made]) for f in fields(Keys)))
        blocks = Blocks(*(np.concatenate([getattr(b, f.name) for _, b in made]) for f in fields(Blocks)))
        size += tables.write(Place(str(folder)), part, tables.days(points, keys, blocks))
    return size


def _blocks(fleet: Fleet, meters: range, n: int, revised: bool) -> tuple[Keys, Blocks]:
    wh = fleet.wh(meters, n, revised)
    count, slots = wh.shape
    values = np.full((count, MOST_SLOTS), MISSING, np.int32)
    values[:, :slots] = wh
    seconds = np.full((count, 1), int(localday.start(n + 1, CENTRAL).timestamp()), np.int64)
    keys = Keys(
        np.arange(count, dtype=np.int32),
        np.full(count, Flow.DELIVERED, np.int16),
        np.full(count, n, np.int32),
        np.full(count, slots, np.int32),
    )
    return keys, Blocks(values, np.zeros(values.shape, np.uint8), seconds, np.zeros((count, 1), np.int64))


if __name__ == "__main__":
    main()
