"""How pages say things."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from wattledger.model import PointKind
from wattledger.store.rows import SeriesPoint, UsagePointRow
from wattledger.web.pages import words
from wattledger.web.pages.attention import judge_freshness, judge_relay
from wattledger.web.pages.meter.calendar import MOST_WEEKS, STEP, strips

NOW = datetime(2026, 7, 15, 14, 10, tzinfo=UTC)
TZ = "America/Chicago"
POINT = UsagePointRow("p", "s", PointKind.METER, "1", "Maple", TZ, "smart_meter_texas", {}, NOW)


@pytest.mark.parametrize(
    ("wh", "text"),
    [(0, "0.000"), (1, "0.001"), (1_062_438, "1,062.438"), (-5, "−0.005"), (-1_000_000, "−1,000.000")],
)
def test_kwh(wh: int, text: str) -> None:
    assert words.kwh(wh) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=20), "under a minute"),
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=5, minutes=15), "5 h 15 min"),
        (timedelta(hours=30), "30 h"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=3, hours=7), "3 days 7 h"),
        (timedelta(days=30, hours=7), "30 days"),
    ],
)
def test_lengths(span: timedelta, text: str) -> None:
    assert words.length(span) == text


def test_instants_are_said_in_the_zone() -> None:
    assert words.moment(NOW, TZ) == "Wed 15 Jul 2026, 09:10"
    assert words.zone_name("Europe/Berlin") == "Berlin time"


@pytest.mark.parametrize(
    ("line", "minutes", "level"),
    [
        ({"status": "ok"}, 10, "good"),
        ({"status": "ok"}, 66, "bad"),
        ({"status": "partial"}, 10, "caution"),
        ({"status": "failed", "error": "SFTP refused the key."}, 10, "bad"),
    ],
)
def test_relays_are_judged(line: dict[str, str], minutes: int, level: str) -> None:
    judged = judge_relay("relay", NOW - timedelta(minutes=minutes), line, NOW, 30)
    assert judged.level == level
    assert (judged.todo is None) == (level == "good")


def test_what_a_relay_left_aside_is_named() -> None:
    line = {
        "status": "partial",
        "failed": [{"name": "a.asc", "code": "x", "reason": "cut short"}],
        "warnings": ["w"],
    }
    assert judge_relay("relay", NOW, line, NOW, 30).failed == ["a.asc: cut short", "w"]
    assert judge_relay("relay", NOW, {"status": "ok", "failed": ["odd"], "warnings": 7}, NOW, 30).failed == []


def test_a_meter_is_late_after_three_days() -> None:
    assert judge_freshness(POINT, NOW - timedelta(days=2), NOW).level == "good"
    assert judge_freshness(POINT, NOW - timedelta(days=4), NOW).todo
    assert judge_freshness(POINT, None, NOW).level == "caution"


def test_the_calendar_has_each_day_once_at_its_place() -> None:
    first = date(2023, 12, 30)
    days = [datetime(2023, 12, 30, 6, tzinfo=UTC) + timedelta(days=i) for i in range(900)]
    points = [SeriesPoint(d, d + timedelta(days=1), 1000, "actual", 96, 96) for d in days]
    found = strips(points, TZ)
    cells = [cell for strip in found for cell in strip.cells]
    assert sorted(c.day for c in cells) == [first + timedelta(days=i) for i in range(900)]
    assert all(len({(c.x, c.y) for c in s.cells}) == len(s.cells) for s in found)
    assert max(c.x for c in cells) == (MOST_WEEKS - 1) * STEP
    assert found[0].cells[-1].x == (MOST_WEEKS - 1) * STEP
