"""Recorded days of real exports, recounted by the csv module and Decimal."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import numpy as np
import pytest

from tests.connectors.reading import by_slot, parse, readings
from tests.paths import SHARED_PAYLOADS, needs_shared
from wattledger import localday
from wattledger.model import MISSING, Flag

pytestmark = needs_shared
FOLDER = SHARED_PAYLOADS / "smart_meter_texas"
NAMES = [
    "raw_2022-03-01_normal96.csv",
    "raw_2022-03-13_springforward.csv",
    "raw_2022-11-06_fallback100.csv",
    "excel_2025-10-24_estimated_block.csv",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_value_of_a_recorded_day(name: str, ends: str) -> None:
    body = (FOLDER / name).read_bytes()
    parsed = parse(body.replace(b"\n", ends.encode()))
    rows = list(csv.DictReader(StringIO(body.decode())))
    values = [int(Decimal(r["USAGE_KWH"]) * 1000) for r in rows if r["USAGE_KWH"]]
    assert parsed.rows == len(rows)
    assert parsed.blank == len(rows) - len(values)
    assert not parsed.rejected
    assert len(parsed.days) == 1
    assert parsed.days.values[0, : len(values)].tolist() == values
    assert (parsed.days.values[0, len(values) :] == MISSING).all()
    estimated = [r["ESTIMATED_ACTUAL"] == "E" for r in rows if r["USAGE_KWH"]]
    assert (parsed.days.flags[0, : len(values)] == Flag.ESTIMATED).tolist() == estimated


@pytest.mark.parametrize(
    ("name", "total", "count"),
    [(NAMES[0], 12382, 96), (NAMES[1], 13714, 92), (NAMES[2], 3701, 100), (NAMES[3], 20138, 96)],
)
def test_totals_to_the_watt_hour(name: str, total: int, count: int) -> None:
    values = parse((FOLDER / name).read_bytes()).days.values
    assert (int(values[values != MISSING].sum()), int((values != MISSING).sum())) == (total, count)


def test_instants_of_the_doubled_hour() -> None:
    """The second 01:15 row is 07:00Z, an hour after the first, though its START label says 02:00."""
    parsed = parse((FOLDER / NAMES[2]).read_bytes())
    day = int(parsed.days.day[0])
    found = {localday.instant(day, s, "America/Chicago"): int(parsed.days.values[0, s]) for s in range(100)}

    def hour(utc: int) -> list[int]:
        return [found[datetime(2022, 11, 6, utc, m, tzinfo=UTC)] for m in (0, 15, 30, 45)]

    assert hour(6) == [41, 34, 44, 44]
    assert hour(7) == [34, 42, 44, 41]
    assert hour(8)[0] == 35


def test_revision_is_central_time() -> None:
    parsed = parse((FOLDER / NAMES[0]).read_bytes())
    assert int(parsed.days.revision[0]) == int(datetime(2022, 3, 2, 12, 18, 33, tzinfo=UTC).timestamp())


def test_the_estimated_block_is_16_quarters() -> None:
    parsed = parse((FOLDER / NAMES[3]).read_bytes())
    assert np.flatnonzero(parsed.days.flags[0]).tolist() == list(range(5, 21))


def test_rest_energy_data() -> None:
    """The first record adds up to 350.976 kWh; records with a bad date are refused by themselves."""
    parsed = parse((FOLDER / "energydata_rd.json").read_bytes())
    days = by_slot(parsed)
    first = days["10443720002305039", 1, date(2020, 1, 1)]
    assert len(first) == 96
    assert None not in first
    assert sum(v or 0 for v in first) == 350976
    assert all(k[3] == 1577973127 for (k, _, _) in readings(parsed) if k[2] == date(2020, 1, 1))
