"""/v1/usage-points/{id}/sessions: charging sessions as JSON and CSV, of one's own cars alone."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.payloads.cars import week
from tests.payloads.smartcar import CAR, HOME
from tests.web.helpers import FakeClock
from tests.web.judging import judge
from wattledger.model import Payload, Source
from wattledger.simulators.smartcar_garage import home_cars
from wattledger.simulators.smartcar_history import batches, moments
from wattledger.store import Store
from wattledger.store.people.sites import Home

SESSIONS = "/v1/usage-points/{id}/sessions"
VISITED = {("GET", SESSIONS)}
"""routes of /v1 whose answers are held against their description here"""


@pytest.fixture
async def car(store: Store, clock: FakeClock) -> str:
    """A car with a week of nights at home, and one charge on the road."""
    site = (await store.sites.default()).id
    await store.sites.set_home(site, Home(**HOME))
    for payload in week(clock.now()):
        assert (await store.payloads.deliver(site, payload)).state == "read"
    return (await store.points.by_external(CAR)).id


async def told(client: AsyncClient, id: str, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/usage-points/{id}/sessions", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["sessions"]
    return found


async def test_sessions_as_json(owner: AsyncClient, car: str) -> None:
    listed = await told(owner, car)
    assert [s["kwh"] for s in listed] == [15.0] * 4 + [20.0] + [15.0] * 3
    assert [s["place"] for s in listed] == ["home"] * 4 + ["away"] + ["home"] * 3
    assert [s["booked_kwh"] for s in listed] == [15.0] * 4 + [0.0] + [15.0] * 3
    one = listed[0]
    assert (one["method"], one["soc_from"], one["soc_to"], one["peak_kw"]) == ("counter", 50, 74, 7.5)
    assert one["start"].endswith("Z") and one["end"] == one["plugged_out"]
    assert one["going_on"] is False
    assert "Energy by the car's own counter." in one["evidence"]


async def test_answers_are_as_described(app: FastAPI, owner: AsyncClient, car: str) -> None:
    for query in ("", "?format=csv", "?start=2020-01-01&end=2026-01-01"):
        answer = await owner.get(SESSIONS.format(id=car) + query)
        judge(app, "GET", SESSIONS, answer)
    said = await owner.get(f"/v1/usage-points/{car}/observations?limit=20")
    assert any(row.get("verdict") == "begin" for row in said.json()["observations"])
    judge(app, "GET", "/v1/usage-points/{id}/observations", said)


async def test_the_ledger_holds_what_sessions_book(owner: AsyncClient, car: str) -> None:
    answer = await owner.get(f"/v1/usage-points/{car}/energy?by=day")
    days = [p["kwh"] for p in answer.json()["points"] if p["kwh"] is not None]
    assert round(sum(days), 3) == 105.0


async def test_a_period(owner: AsyncClient, car: str) -> None:
    everything = await told(owner, car)
    cut = everything[2]["start"]
    later = await told(owner, car, start=cut)
    assert later == everything[2:]
    assert await told(owner, car, start="2026-01-01", end="2026-01-02") == []


async def test_sessions_as_csv(owner: AsyncClient, store: Store, car: str) -> None:
    await store.points.rename(car, "=cmd|' /C calc'!A0")
    answer = await owner.get(f"/v1/usage-points/{car}/sessions?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["kwh"] for row in rows] == ["15.000"] * 4 + ["20.000"] + ["15.000"] * 3
    assert all(row["vehicle"].startswith("'=cmd") for row in rows)
    assert rows[0]["segments"] == "1" and rows[0]["booked_kwh"] == "15.000"


async def test_a_capacity_of_a_month_ago_still_counts(
    owner: AsyncClient, store: Store, clock: FakeClock
) -> None:
    site, (vehicle,), now = (await store.sites.default()).id, home_cars(), clock.now()
    long_ago, start = now - timedelta(days=40), now - timedelta(days=6)
    for at, body in (
        (long_ago, batches(vehicle, [long_ago], ["/battery/nominal_capacity"])),
        (now, batches(vehicle, moments(vehicle, start, now))),
    ):
        headers = {"vehicle": vehicle.id, "timezone": "America/Chicago"}
        payload = Payload("smartcar", Source.POLL, body, at, "batch.json", "application/json", headers)
        assert (await store.payloads.deliver(site, payload)).state == "read"
    listed = await told(owner, (await store.points.by_external(vehicle.id)).id)
    whole = [s for s in listed if s["plugged_out"]]
    assert len(whole) > 2 and {s["method"] for s in whole if s["segments"]} == {"soc"}
    assert all(s["kwh"] is not None for s in whole)


async def test_bad_questions(owner: AsyncClient, client: AsyncClient, point: str, car: str) -> None:
    assert (await client.get(f"/v1/usage-points/{car}/sessions")).status_code == 401
    assert (await owner.get(f"/v1/usage-points/{point}/sessions")).status_code == 404
    assert (await owner.get(f"/v1/usage-points/{'0' * 32}/sessions")).status_code == 404
    long = await owner.get(f"/v1/usage-points/{car}/sessions?start=2020-01-01&end=2026-01-01")
    assert long.status_code == 400 and long.json()["error"] == "BAD_RANGE"
    assert (await owner.get(f"/v1/usage-points/{car}/sessions?format=xlsx")).status_code == 422


async def test_no_coordinates_are_told(owner: AsyncClient, car: str) -> None:
    text = (await owner.get(f"/v1/usage-points/{car}/sessions")).text
    text += (await owner.get(f"/v1/usage-points/{car}/sessions?format=csv")).text
    assert "30.26" not in text and "97.7" not in text
