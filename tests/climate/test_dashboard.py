"""The original's endpoints: exact keys, with its faults gone."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

from httpx2 import AsyncClient
from sqlalchemy import text

from tests.climate.helpers import poll, watch
from tests.web.helpers import FakeClock
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import LOCATION, AcUnit
from wattledger.store import Store

DASHBOARD = {
    "deviceName", "location", "todayKWh", "rolling24hKWh", "lastUpdate", "humidity", "temperatureC",
    "airConditionerMode", "fanMode",
}  # fmt: skip
HISTORY = {
    "timestamp", "deltaKWh", "cumulativeWh", "humidity", "temperatureC", "airConditionerMode", "fanMode",
}  # fmt: skip
HEADER = (
    "Timestamp,Device Name,Location,Delta kWh,Cumulative Wh,Humidity (%),Temperature (C),AC Mode,Fan Mode,"
    "24h Usage (kWh)"
)


async def test_dashboard_says_what_the_registers_say(
    owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    unit = vendor.units[0]
    began = unit.register(unit.reported(clock.now()))
    await watch(owner, clock, connection, 6)
    listed = (await owner.get("/dashboard")).json()
    assert [u["deviceName"] for u in listed] == ["Bedroom AC", "Living room AC", "Office AC"]
    living = listed[1]
    used = unit.register(unit.reported(clock.now())) - began
    assert living.keys() >= DASHBOARD
    assert used > 0
    assert living["todayKWh"] == living["rolling24hKWh"] == used / 1000
    assert (living["location"], living["locationId"], living["fanMode"]) == ("Home", LOCATION, "auto")
    assert living["lastUpdate"].endswith("Z")
    assert living["humidity"] == 48.0
    hours = (await owner.get("/dashboard/hourly", params={"deviceId": unit.id})).json()
    assert [h["deviceName"] for h in hours] == ["Living room AC"]
    assert round(sum(h["kWh"] for h in hours[0]["hourly"]), 3) == used / 1000
    assert hours[0]["hourly"][0]["hour"] == "2026-07-15T21:00:00Z"


async def test_rolling_day_is_right_from_the_first_hour_and_after_it(
    owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    unit = vendor.units[0]
    await watch(owner, clock, connection, 20, 60)
    await owner.post("/token", json={"token": vendor.issuer.pasted()})
    await watch(owner, clock, connection, 10, 60)
    asked = clock.now()
    living = (await owner.get("/dashboard", params={"deviceId": unit.id})).json()[0]
    end = unit.reported(asked)
    start = (
        asked.replace(minute=15 * (asked.minute // 15), second=0)
        + timedelta(minutes=15)
        - timedelta(hours=24)
    )
    assert abs(living["rolling24hKWh"] * 1000 - (unit.register(end) - unit.register(start))) < 500


async def test_two_devices_of_one_name_stay_two(
    owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    other = AcUnit("Twin", 0.1, "Attic")
    item, status = other.device(), other.status(clock.now())
    vendor.add({**item, "label": "Living room AC"}, {"main": status})
    await poll(owner, connection)
    names = [
        u["deviceId"] for u in (await owner.get("/dashboard")).json() if u["deviceName"] == "Living room AC"
    ]
    assert sorted(names) == sorted([vendor.units[0].id, other.id])


async def test_history_newest_first_with_its_odd_hours(
    owner: AsyncClient, connection: str, clock: FakeClock
) -> None:
    await watch(owner, clock, connection, 4)
    for hours in ("", "abc", "1.5", "0", "-3", "999", "24"):
        answer = await owner.get("/history", params={"deviceName": "Office AC", "hours": hours})
        rows = answer.json()
        assert len(rows) == 5, hours
        assert rows[0].keys() >= HISTORY
        assert [r["timestamp"] for r in rows] == sorted((r["timestamp"] for r in rows), reverse=True)
        assert rows[-1]["verdict"] == "baseline" and rows[-1]["deltaKWh"] == 0
    assert rows[0]["airConditionerMode"] == "cool"
    for params in ({"deviceName": "Nobody"}, {"deviceName": "Office AC", "location": "Mars"}):
        assert (await owner.get("/history", params=params)).json() == []
    for place in ("Home", LOCATION):
        assert (await owner.get("/history", params={"deviceName": "Office AC", "location": place})).json()
    assert (await owner.get("/history")).status_code == 400
    assert (await owner.get("/history")).json() == {"error": "deviceName is required"}


async def test_export_is_whole_and_safe(
    owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator, store: Store
) -> None:
    await watch(owner, clock, connection, 3)
    point = next(p for p in await store.points.list(None) if p.name == "Office AC")
    await store.points.rename(point.id, '=cmd|"a",b')
    answer = await owner.get("/export")
    lines = answer.text.split("\r\n")
    assert lines[0] == HEADER
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="ac_data_2026')
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert len(rows) == 3 * 4
    assert {r["Device Name"] for r in rows} == {"Bedroom AC", "Living room AC", '\'=cmd|"a",b'}
    living = vendor.units[0]
    mine = [r for r in rows if r["Device Name"] == "Living room AC"]
    assert float(mine[0]["Cumulative Wh"]) == living.register(living.reported(clock.now()))
    assert sum(float(r["Delta kWh"]) for r in mine) == float(mine[0]["24h Usage (kWh)"])
    assert [r["Timestamp"] for r in rows] == sorted((r["Timestamp"] for r in rows), reverse=True)


async def test_old_data_comes_with_the_export_too(
    owner: AsyncClient, connection: str, clock: FakeClock
) -> None:
    clock.move(timedelta(days=40))
    rows = list(csv.DictReader(StringIO((await owner.get("/export")).text)))
    assert len(rows) == 3


async def test_the_view_keeps_the_original_names(
    owner: AsyncClient, connection: str, clock: FakeClock, store: Store
) -> None:
    await watch(owner, clock, connection, 2)
    query = "SELECT * FROM ac_monitoring WHERE device_name = 'Living room AC' ORDER BY api_timestamp"
    async with store.connect() as found:
        rows = [dict(row) for row in (await found.execute(text(query))).mappings()]
    assert len(rows) == 3
    assert str(rows[0]["reading_day"]) == "2026-07-15"
    assert rows[0]["delta_kwh"] == 0 and rows[2]["delta_kwh"] > 0
    assert (rows[2]["location"], rows[2]["air_conditioner_mode"], rows[2]["fan_mode"]) == (
        "Home",
        "cool",
        "auto",
    )
    assert (rows[2]["humidity"], rows[2]["verdict"]) == (48.0, "ok")
    assert rows[2]["cumulative_wh"] > 1_250_000


async def test_another_site_sees_nothing(owner: AsyncClient, stranger: AsyncClient, connection: str) -> None:
    for path in (
        "/dashboard",
        "/dashboard/hourly",
        "/history?deviceName=x",
        "/export",
        "/fetch_status",
        "/token",
    ):
        assert (await stranger.get(path)).status_code == 401, path
