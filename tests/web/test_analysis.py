"""daily-summary and intervals: Chicago days as they are, UTC instants as they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import PULL, FakeClock, inline

SUMMARY = "/api/admin/analysis/daily-summary"
INTERVALS = "/api/admin/analysis/intervals"


@pytest.fixture
async def filled(robot: AsyncClient) -> AsyncClient:
    days = smt.days(smt.FALL - timedelta(3), 8) + smt.days(smt.SPRING - timedelta(1), 3, seed=2)
    assert (await robot.post(PULL, json=inline(smt.csv(*days)))).status_code == 200
    return robot


async def summary(robot: AsyncClient, **query: str) -> list[dict[str, Any]]:
    return list((await robot.get(SUMMARY, params=query)).json()["rows"])


async def test_days_have_92_96_or_100_slots(filled: AsyncClient) -> None:
    rows = await summary(filled, dateStart="2025-11-01", dateEnd="2025-11-04")
    assert rows == [
        {
            "date": f"2025-11-0{n}",
            "esiid": smt.ONCOR,
            "meter": "M1",
            "found": k,
            "expected": k,
            "completeness": 1.0,
        }
        for n, k in ((1, 96), (2, 100), (3, 96))
    ]
    spring = await summary(filled, dateStart="2026-03-08", dateEnd="2026-03-09", esiid=smt.ONCOR)
    assert [(r["found"], r["expected"]) for r in spring] == [(92, 92)]


async def test_instants_choose_their_chicago_days_and_empty_days_are_shown(filled: AsyncClient) -> None:
    rows = await summary(filled, dateStart="2025-11-06T05:59:59Z", dateEnd="2025-11-09T06:00:00Z")
    assert [(r["date"], r["found"]) for r in rows] == [
        ("2025-11-05", 96), ("2025-11-06", 96), ("2025-11-07", 0), ("2025-11-08", 0),
    ]  # fmt: skip


async def test_the_default_is_the_last_week(filled: AsyncClient, clock: FakeClock) -> None:
    said = (await filled.get(SUMMARY)).json()
    assert [r["date"] for r in said["rows"]] == [
        (date(2026, 6, 8) + timedelta(n)).isoformat() for n in range(8)
    ]
    assert said["meta"] == {
        "filters": {"esiid": None, "meter": None},
        "range": {"start": "2026-06-08T05:00:00Z", "end": "2026-06-16T05:00:00Z", "zone": "America/Chicago"},
        "table": '"SmtInterval"',
    }


@pytest.mark.parametrize(
    "query",
    [
        {"dateStart": "x"},
        {"dateEnd": "2025-13-01"},
        {"dateStart": "2025-11-02", "dateEnd": "2025-11-02"},
        {"dateStart": "0001-01-01"},
        {"dateEnd": "9999-12-31T23:59:59-12:00"},
    ],
)
async def test_bad_ranges(filled: AsyncClient, query: dict[str, str]) -> None:
    answer = await filled.get(SUMMARY, params=query)
    assert (answer.status_code, answer.json()) == (400, {"ok": False, "error": "Invalid dateStart/dateEnd"})


async def test_strangers_are_refused_in_these_routes_words(client: AsyncClient) -> None:
    for path in (SUMMARY, INTERVALS):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (401, {"ok": False, "error": "unauthorized"})


async def test_filters_and_unknown_meters(filled: AsyncClient) -> None:
    assert await summary(filled, meter="M2", dateStart="2025-11-01") == []
    assert await summary(filled, esiid=smt.CENTERPOINT, dateStart="2025-11-01") == []
    assert (await filled.get(SUMMARY, params={"esiid": "1"})).status_code == 400


async def test_intervals_of_the_fall_back_day(filled: AsyncClient) -> None:
    said = (await filled.get(INTERVALS, params={"esiid": smt.ONCOR, "date": "2025-11-02"})).json()
    day = next(d for d in smt.days(smt.FALL - timedelta(3), 8) if d.day == smt.FALL)
    assert (said["expected"], said["actual"], said["missing"], said["filledCount"]) == (100, 100, 0, 0)
    assert said["kwhTotal"] == sum(w or 0 for w in day.wh) / 1000
    assert [p["ts"] for p in said["points"][3:6]] == [
        "2025-11-02T05:45:00Z", "2025-11-02T06:00:00Z", "2025-11-02T06:15:00Z",
    ]  # fmt: skip
    assert [round(p["kwh"] * 1000) for p in said["points"]] == day.wh
    assert said["points"][0]["filled"] is False


async def test_intervals_of_another_zone_and_a_limit(filled: AsyncClient) -> None:
    query = {"esiid": smt.ONCOR, "date": "2025-11-04", "tz": "UTC", "limit": "2"}
    said = (await filled.get(INTERVALS, params=query)).json()
    assert (said["expected"], said["actual"], len(said["points"])) == (96, 96, 2)
    assert said["points"][0]["ts"] == "2025-11-04T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "MISSING_KEYS"),
        ({"esiid": "x", "date": "2025-11-02"}, 400, "BAD_ESIID"),
        ({"esiid": smt.ONCOR}, 400, "MISSING_DATE"),
        ({"esiid": smt.ONCOR, "date": "02/11/2025"}, 400, "BAD_DATE"),
        ({"esiid": smt.ONCOR, "date": "9999-12-31"}, 400, "BAD_DATE"),
        ({"esiid": smt.ONCOR, "date": "2025-11-02", "tz": "Mars/X"}, 400, "BAD_ZONE"),
        ({"esiid": smt.ONCOR, "date": "2025-11-02", "tz": "../../etc/passwd"}, 400, "BAD_ZONE"),
        ({"esiid": smt.ONCOR, "date": "2025-11-02", "limit": "abc"}, 400, "INVALID_PARAMETER"),
        ({"esiid": smt.CENTERPOINT, "date": "2025-11-02"}, 404, "NOT_FOUND"),
    ],
)
async def test_bad_questions(filled: AsyncClient, query: dict[str, str], status: int, code: str) -> None:
    answer = await filled.get(INTERVALS, params=query)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
