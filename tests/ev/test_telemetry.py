"""The newest values and the history: true, dated by the car, and honest about what is not known."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import update

from tests.ev.helpers import connected
from tests.web.helpers import FakeClock
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.secrets import Vault
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_garage import Vehicle
from wattledger.store import Store
from wattledger.store.observed.sealing import Private
from wattledger.store.tables import vehicle as table

LATEST = "/v1/ev/me/telemetry/latest"
HISTORY = "/v1/ev/me/telemetry/history"
FIVE = ["recorded_at", "soc_pct", "charging_state", "latitude", "longitude"]


@pytest.fixture
def car(vendor: SmartcarSimulator) -> Vehicle:
    return next(iter(vendor.garage.vehicles.values()))


async def test_the_contracts_five_keys_and_more(
    owner: AsyncClient, vendor: SmartcarSimulator, car: Vehicle, clock: FakeClock
) -> None:
    id = await connected(owner)
    answer = await owner.get(LATEST)
    said = answer.json()
    truth = car.seen(clock.now())
    assert answer.status_code == 200 and list(said)[:5] == FIVE, answer.text
    assert said["soc_pct"] == pytest.approx(100 * truth.soc, abs=1)
    assert said["charging_state"] in ("CHARGING", "FULLY_CHARGED", "NOT_CHARGING")
    assert -90 <= said["latitude"] <= 90 and -180 <= said["longitude"] <= 180
    assert (said["vehicle_id"], said["reason"], said["missing"]) == (id, None, [])
    recorded = datetime.fromisoformat(said["recorded_at"])
    assert recorded <= clock.now()
    assert said["age_seconds"] == int((clock.now() - recorded).total_seconds())
    assert said["range_km"] > 0 and said["plugged_in"] in (True, False)


async def test_nobody_has_a_car(owner: AsyncClient) -> None:
    for path in (LATEST, HISTORY):
        answer = await owner.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


async def test_it_is_not_asked_before_it_is_due(
    owner: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    first = (await owner.get(LATEST)).json()
    asked = vendor.asked("/batch")
    again = (await owner.get(LATEST)).json()
    assert vendor.asked("/batch") == asked == 1
    assert again["reason"] == "interval" and again["soc_pct"] == first["soc_pct"]


async def test_a_due_call_that_fails(owner: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock) -> None:
    await connected(owner)
    known = (await owner.get(LATEST)).json()
    clock.move(timedelta(days=1))
    vendor.script.fail("/v2.0/vehicles", 503, times=99)
    answer = await owner.get(LATEST)
    body = answer.json()
    assert answer.status_code == 502 and body["message"] and body["ok"] is False, answer.text
    assert body["last"]["soc_pct"] == known["soc_pct"] and body["last"]["stale"] is True
    assert body["last"]["recorded_at"] == known["recorded_at"]


async def test_a_network_that_is_gone(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    await connected(owner)
    vendor.script.drop("/v2.0/vehicles", times=99)
    answer = await owner.get(LATEST)
    assert answer.status_code == 502 and answer.json()["last"] is None and answer.json()["message"]


async def test_a_car_that_sleeps_is_let_sleep(
    owner: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    known = (await owner.get(LATEST)).json()
    clock.move(timedelta(days=1))
    vendor.script.error("/batch", "VEHICLE_STATE", "ASLEEP", times=99)
    answer = await owner.get(LATEST)
    said = answer.json()
    assert answer.status_code == 200, answer.text
    assert (said["reason"], said["stale"], said["soc_pct"]) == ("asleep", True, known["soc_pct"])
    asked = vendor.asked("/batch")
    assert (await owner.get(LATEST)).json()["reason"] == "asleep" and vendor.asked("/batch") == asked


async def test_a_pause_that_the_vendor_asks_for(
    owner: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    await owner.get(LATEST)
    clock.move(timedelta(days=1))
    vendor.script.throttle("/batch", 7200)
    assert (await owner.get(LATEST)).status_code == 502
    asked = vendor.asked("/batch")
    said = (await owner.get(LATEST)).json()
    assert said["reason"] == "vendor_pause" and vendor.asked("/batch") == asked


async def test_an_allowance_that_is_used_up(
    owner: AsyncClient, store: Store, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    await owner.get(LATEST)
    clock.move(timedelta(hours=12))
    async with store.begin() as connection:
        await connection.execute(update(table).values(calls=500))
    asked = vendor.asked("/batch")
    answer = await owner.get(LATEST)
    assert (answer.status_code, answer.json()["reason"]) == (200, "budget"), answer.text
    assert vendor.asked("/batch") == asked
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"][0]["calls"]
    assert (listed["used"], listed["left"]) == (500, 0)


async def test_a_missing_permission_takes_nothing_else(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    vendor.desk.unticked = ["read_location", "read_charge"]
    await connected(owner)
    said = (await owner.get(LATEST)).json()
    assert said["soc_pct"] is not None and said["latitude"] is None and said["charging_state"] is None
    assert "/location" in said["missing"] and "/charge" in said["missing"]
    assert (await owner.get("/v1/ev/status")).json()["status"] == "connected"


async def test_a_location_that_is_turned_off_is_not_asked_for(
    owner: AsyncClient, vendor: SmartcarSimulator
) -> None:
    id = await connected(owner)
    await owner.patch(f"/v1/ev/me/vehicles/{id}", json={"location": False})
    said = (await owner.get(LATEST)).json()
    assert said["soc_pct"] is not None and (said["latitude"], said["longitude"]) == (None, None)
    assert not any(b"/location" in call.body or "/location" in call.path for call in vendor.calls)


async def test_a_grant_that_ended(owner: AsyncClient, vendor: SmartcarSimulator, clock: FakeClock) -> None:
    await connected(owner)
    await owner.get(LATEST)
    clock.move(timedelta(days=1))
    vendor.issuer.revoke()
    first = await owner.get(LATEST)
    assert (first.status_code, first.json()["error"]) == (502, "NEEDS_LOGIN")
    again = await owner.get(LATEST)
    assert (again.status_code, again.json()["reason"], again.json()["stale"]) == (200, "needs_login", True)
    listed = (await owner.get("/v1/ev/me/vehicles")).json()["vehicles"][0]
    assert (listed["active"], listed["state"]) == (False, "needs_login")


async def test_old_data_is_called_stale(owner: AsyncClient, car: Vehicle, clock: FakeClock) -> None:
    car.newest = clock.now() - timedelta(hours=5)
    await connected(owner)
    said = (await owner.get(LATEST)).json()
    assert said["stale"] is True and said["age_seconds"] >= 5 * 3600
    assert datetime.fromisoformat(said["recorded_at"]) <= car.newest


async def test_a_process_that_does_not_collect_says_so(owner: AsyncClient, app: FastAPI) -> None:
    await connected(owner)
    app.state.hub.on_demand = None
    said = (await owner.get(LATEST)).json()
    assert (said["reason"], said["soc_pct"], said["stale"]) == ("no_collector", None, True)


async def test_many_who_ask_at_once_are_one_call(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    await connected(owner)
    answers = await asyncio.gather(*(owner.get(LATEST) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["soc_pct"] for answer in answers}) == 1
    assert vendor.asked("/batch") == 1


async def test_a_position_whose_key_is_gone_takes_nothing_else(
    owner: AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connected(owner)
    assert (await owner.get(LATEST)).json()["latitude"] is not None
    monkeypatch.setattr(store.observations, "_private", Private(Vault({"other": b"o" * 32})))
    said = (await owner.get(LATEST)).json()
    assert said["latitude"] is None and said["soc_pct"] is not None
    told = (await owner.get(HISTORY)).json()["telemetry"]
    assert told and all(one["latitude"] is None for one in told)


async def test_the_history_is_ascending_and_paged(
    owner: AsyncClient, runtime: Runtime, clock: FakeClock
) -> None:
    id = await connected(owner)
    for _ in range(30):
        await collector(runtime).once()
        clock.move(timedelta(hours=2))
    whole = (await owner.get(f"{HISTORY}?days=30")).json()
    told, times = whole["telemetry"], [one["recorded_at"] for one in whole["telemetry"]]
    assert whole["vehicle_id"] == id and whole["next"] is None and len(told) > 5
    assert times == sorted(times) and len(set(times)) == len(times)
    assert all(one["soc_pct"] is None or 0 <= one["soc_pct"] <= 100 for one in told)
    assert list(told[0])[:5] == FIVE
    paged, after = [], ""
    for _ in range(100):
        one = (await owner.get(f"{HISTORY}?days=30&limit=3{after}")).json()
        paged += one["telemetry"]
        if one["next"] is None:
            break
        after = f"&after={one['next']}"
    assert paged == told
    short = (await owner.get(f"{HISTORY}?days=1")).json()["telemetry"]
    assert short == [
        one for one in told if datetime.fromisoformat(one["recorded_at"]) >= clock.now() - timedelta(days=1)
    ]
    default = (await owner.get(HISTORY)).json()["telemetry"]
    assert default == told, "seven days"


@pytest.mark.parametrize(
    "query", ["days=0", "days=367", "days=x", "days=-1", "limit=0", "after=yesterday", "after=2026-01-01"]
)
async def test_bad_questions(owner: AsyncClient, query: str) -> None:
    await connected(owner)
    answer = await owner.get(f"{HISTORY}?{query}")
    assert answer.status_code == 400 and answer.json()["field"] in query


async def test_history_outlives_the_connection(owner: AsyncClient) -> None:
    id = await connected(owner)
    await owner.get(LATEST)
    await owner.post("/v1/ev/disconnect")
    told = (await owner.get(f"{HISTORY}?vehicle_id={id}")).json()["telemetry"]
    assert any(one["soc_pct"] is not None for one in told)
    assert (await owner.get(f"{LATEST}?vehicle_id={id}")).json()["reason"] == "disconnected"


async def test_connections_are_listed_and_polled(owner: AsyncClient, vendor: SmartcarSimulator) -> None:
    await connected(owner)
    listed = (await owner.get("/v1/connections")).json()["connections"]
    assert [one["connector"] for one in listed] == ["smartcar"]
    polled = (await owner.post(f"/v1/connections/{listed[0]['id']}/poll")).json()
    assert polled["ok"] and any(one["filename"] == "batch.json" for one in polled["payloads"]), polled
