"""The equation over HTTP: the API balances, and the page shows the API's numbers, on both databases."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads import smartthings, smt
from tests.web.helpers import FakeClock
from wattledger.connectors.smartthings.parse import STATUS
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.units import kwh_text

PAGE = {"accept": "text/html"}
DAY = "2026-06-13"
MIDNIGHT = datetime(2026, 6, 13, 5, tzinfo=UTC)


def report(hour: int) -> Payload:
    """The unit's register after so many hours of the day: a kilowatt-hour each."""
    start, end = (MIDNIGHT + timedelta(hours=h) for h in (hour - 1, hour))
    said = smartthings.report(1000 * hour + 5000, 1000, start=f"{start:%FT%TZ}", end=f"{end:%FT%TZ}")
    return smartthings.payload({"components": {"main": smartthings.air_conditioner(said)}}, STATUS)


@pytest.fixture
async def home(owner: AsyncClient, store: Store, clock: FakeClock) -> AsyncClient:
    """A meter's two days, the second with a gap, and a unit that ran through the first of them."""
    meter = smt.csv(smt.Day(date(2026, 6, 13), [500] * 96), smt.Day(date(2026, 6, 12), [400] * 95 + [None]))
    site = (await store.sites.default()).id
    filed = Payload("smart_meter_texas", Source.UPLOAD, meter, clock.now(), "x.csv")
    assert (await store.payloads.deliver(site, filed)).state == "read"
    for hour in range(25):
        await store.payloads.deliver(site, report(hour))
    return owner


async def asked(client: AsyncClient, **query: str) -> dict[str, Any]:
    answer = await client.get("/v1/balance", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wh(value: float | None) -> int:
    return round(1000 * (value or 0))


@pytest.mark.parametrize("by", ["interval", "hour", "day", "month"])
async def test_every_step_balances(home: AsyncClient, by: str) -> None:
    found = await asked(home, start="2026-06-12", end="2026-06-14", by=by)
    (unit,) = found["parts"]
    for point in found["points"]:
        used = wh(point["used"][unit["id"]]) - wh(point["outside"])
        assert wh(point["meter"]) == used + wh(point["rest"])
    assert sum(wh(p["meter"]) for p in found["points"]) == 48_000 + 38_000
    assert sum(wh(p["used"][unit["id"]]) for p in found["points"]) == 24_000
    assert sum(p["found"] for p in found["points"]) == 191


async def test_a_missing_quarter_hour_has_no_rest(home: AsyncClient) -> None:
    found = await asked(home, start="2026-06-12", end="2026-06-13", by="interval")
    last = found["points"][-1]
    assert (last["meter"], last["rest"], last["found"]) == (None, None, 0)


async def test_the_page_shows_the_numbers_of_the_api(home: AsyncClient) -> None:
    text = (await home.get(f"/today?start={DAY}", headers=PAGE)).text
    found = await asked(home, start=DAY, end="2026-06-14", by="interval")
    drawn = json.loads(re.findall(r'id="chart-data">(.*?)</script>', text, re.S)[0])
    assert drawn["meter"] == [p["meter"] for p in found["points"]]
    assert drawn["rest"] == [p["rest"] for p in found["points"]]
    (unit,) = found["parts"]
    assert drawn["parts"][0]["kwh"] == [p["used"][unit["id"]] for p in found["points"]]
    for total in (48_000, 24_000):
        assert kwh_text(total) in text
    assert "50 % explained" in text


async def test_the_newest_metered_day_comes_first_and_today_has_no_rest(home: AsyncClient) -> None:
    assert "Saturday 13 June 2026" in (await home.get("/today", headers=PAGE)).text
    running = (await home.get("/today?start=2026-06-15", headers=PAGE)).text
    assert "So far, without the meter" in running and "The meter has not sent this yet" in running


async def test_csv_has_the_same_numbers(home: AsyncClient) -> None:
    answer = await home.get(f"/v1/balance?start={DAY}&end=2026-06-14&by=day&format=csv")
    head, row = answer.text.split("\r\n")[:2]
    assert head == "start,end,meter,sent,AC Office,rest,over,outside"
    assert row == "2026-06-13T05:00:00Z,2026-06-14T05:00:00Z,48.000,,24.000,24.000,0.000,0.000"


async def test_an_owner_chooses_who_stands_in_the_equation(home: AsyncClient, store: Store) -> None:
    (unit,) = [p for p in await store.points.list(None) if p.kind == "appliance"]
    done = await home.post(f"/settings/points/{unit.id}", data={"equation": "out", "parent": ""})
    assert done.status_code == 200
    found = await asked(home, start=DAY, end="2026-06-14", by="day")
    assert found["parts"] == [] and found["points"][0]["rest"] == 48
    bad = await home.post(f"/settings/points/{unit.id}", data={"equation": "whatever"})
    assert bad.status_code == 422


async def test_a_price_makes_costs(home: AsyncClient) -> None:
    form = {"per_kwh": "0.125", "base_fee": "3.00", "currency": "USD"}
    assert (await home.post("/settings/price", data=form)).status_code == 200
    text = (await home.get(f"/today?start={DAY}", headers=PAGE)).text
    assert "$6.10" in text and "$3.00" in text  # 48 kWh and a thirtieth of the fee; the unit's 24 kWh
    assert (await home.post("/settings/price", data={"per_kwh": "much"})).status_code == 422
    await home.post("/settings/price", data={"per_kwh": ""})
    assert "$" not in (await home.get(f"/today?start={DAY}", headers=PAGE)).text


async def test_bad_questions_are_refused(owner: AsyncClient) -> None:
    for query in ("by=year", "start=x", "start=2026-06-14&end=2026-06-13", "format=xml"):
        assert (await owner.get(f"/v1/balance?{query}")).status_code in (400, 422)
    assert (await owner.get("/v1/balance")).json()["parts"] == []
