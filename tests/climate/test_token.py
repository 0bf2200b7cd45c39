"""The pasted token: four checks, 24 hours to the second, tried before it replaces another."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from tests.climate.conftest import NOW
from tests.web.helpers import FakeClock
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.faults import sabotage
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_script import Fault
from wattledger.store import Store

NEVER = {"expiresAt": None, "secondsLeft": None, "tokenMasked": None, "updatedAt": None}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"token": ""}, "Token must not be empty"),
        ({"token": "   "}, "Token must not be empty"),
        ({}, "Token must not be empty"),
        ([], "Token must not be empty"),
        (None, "Token must not be empty"),
        ({"token": None}, "Token must not be empty"),
        ({"token": "abcdef"}, "Token must not be only letters"),
        ({"token": "123456"}, "Token must not be only numbers"),
        ({"token": "abc123"}, "Token must contain a dash (-)"),
        ({"token": 5}, "Token must be text"),
        ({"token": "a-b\nimport os"}, "Token has characters that no token has"),
    ],
)
async def test_checks_in_their_order(owner: AsyncClient, body: Any, error: str) -> None:
    headers = {"content-type": "application/json"}
    answer = await owner.post("/token", content=json.dumps(body), headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert (await owner.get("/token")).json() == NEVER


async def test_no_json_is_said_so(owner: AsyncClient) -> None:
    answer = await owner.post("/token", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400 and "error" in answer.json()


async def window_holds(owner: AsyncClient, clock: FakeClock, vendor: SmartThingsSimulator) -> None:
    token = vendor.issuer.pasted()
    first = (await owner.post("/token", json={"token": f" {token} "})).json()
    assert (
        first.items()
        >= {"ok": True, "reset": True, "secondsLeft": 86400, "updatedAt": "2026-07-15T21:02:30Z"}.items()
    )
    clock.move(timedelta(hours=1, milliseconds=400))
    again = (await owner.post("/token", json={"token": token})).json()
    assert again.items() >= {"reset": False, "secondsLeft": 82799, "updatedAt": first["updatedAt"]}.items()


async def test_a_new_token_has_its_whole_day_however_long_storing_took(
    owner: AsyncClient, clock: FakeClock, vendor: SmartThingsSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passing() -> datetime:
        clock.move(timedelta(milliseconds=20))
        return now()

    now = clock.now
    monkeypatch.setattr(clock, "now", passing)
    token = vendor.issuer.pasted()
    assert (await owner.post("/token", json={"token": token})).json()["secondsLeft"] == 86400
    assert (await owner.post("/token", json={"token": token})).json()["secondsLeft"] == 86399


async def test_the_same_token_does_not_reset_its_window(
    owner: AsyncClient, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    await window_holds(owner, clock, vendor)
    shown = (await owner.get("/token")).json()
    assert shown["expiresAt"] == "2026-07-16T21:02:30Z"
    assert shown["tokenMasked"].count("...") == 1 and len(shown["tokenMasked"]) == 11
    clock.move(timedelta(hours=22, minutes=59, seconds=58, milliseconds=700))
    assert (await owner.get("/token")).json()["secondsLeft"] == 0
    clock.move(timedelta(days=3))
    assert (await owner.get("/token")).json()["secondsLeft"] == 0


async def test_sabotage_token_window_is_noticed(
    owner: AsyncClient, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    with sabotage("token_window"), pytest.raises(AssertionError):
        await window_holds(owner, clock, vendor)


async def test_a_token_that_the_vendor_refuses_replaces_nothing(
    owner: AsyncClient, connection: str, vendor: SmartThingsSimulator
) -> None:
    before = (await owner.get("/token")).json()
    answer = await owner.post("/token", json={"token": "not-a-token-of-theirs"})
    assert answer.status_code == 400 and "refuses" in answer.json()["error"]
    assert (await owner.get("/token")).json() == before


async def test_a_token_that_cannot_be_tried_is_stored_with_a_warning(
    owner: AsyncClient, vendor: SmartThingsSimulator
) -> None:
    vendor.script.faults.append((Fault("/devices", 503), 1))
    answer = await owner.post("/token", json={"token": vendor.issuer.pasted()})
    assert answer.json()["reset"] is True and "503" in answer.json()["warning"]


async def test_polling_stops_when_it_ends_and_a_new_one_goes_on_at_once(
    runtime: Runtime, owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    clock.move(timedelta(hours=24))
    status = (await owner.get("/fetch_status")).json()
    assert (status["ok"], status["code"]) == (False, 401)
    asked = len(vendor.calls)
    for _ in range(5):
        await collector(runtime).once()
        clock.move(timedelta(minutes=5))
    assert len(vendor.calls) == asked
    assert (await owner.post(f"/v1/connections/{connection}/poll")).status_code == 409
    assert (await owner.post("/token", json={"token": vendor.issuer.pasted()})).json()["reset"]
    assert await collector(runtime).once() == 1
    status = (await owner.get("/fetch_status")).json()
    assert status["ok"] and status["message"] == "Last fetch OK (3 devices)"


async def test_it_ends_to_the_instant(owner: AsyncClient, connection: str, clock: FakeClock) -> None:
    clock.move(timedelta(hours=24, microseconds=-1))
    assert (await owner.get("/token")).json()["secondsLeft"] == 0
    assert (await owner.get("/fetch_status")).json()["ok"]
    clock.move(timedelta(microseconds=1))
    status = (await owner.get("/fetch_status")).json()
    assert (status["ok"], status["code"]) == (False, 401)


async def test_a_token_of_another_is_not_shown_in_what_is_stored(
    owner: AsyncClient, connection: str, store: Store, vendor: SmartThingsSimulator
) -> None:
    token = next(iter(vendor.issuer.access))
    assert token not in (await owner.get("/v1/connections")).text
    assert token not in str(await store.connections.get(connection, None))
    assert NOW.year == 2026


async def test_status_names_the_devices_that_failed(
    owner: AsyncClient, connection: str, vendor: SmartThingsSimulator, clock: FakeClock
) -> None:
    assert (await owner.get("/fetch_status")).json()["ok"]
    vendor.together = False
    broken = vendor.units[1]
    vendor.script.faults.append((Fault(f"/devices/{broken.id}/status", 500), -1))
    clock.move(timedelta(minutes=5))
    await owner.post(f"/v1/connections/{connection}/poll")
    status = (await owner.get("/fetch_status")).json()
    assert status.keys() >= {"ok", "code", "message", "timestamp"}
    assert [(d["deviceName"], d["code"]) for d in status["devices"]] == [(broken.label, 500)]
    assert status["code"] == 200 and not status["ok"]
    assert status["message"] == "Last fetch incomplete (2 devices; 1 could not be read)"


async def test_a_token_whose_key_is_gone_can_be_replaced(
    owner: AsyncClient, connection: str, store: Store, vendor: SmartThingsSimulator, runtime: Runtime
) -> None:
    async with store.begin() as change:
        broken = text("UPDATE connection SET secrets = 'v1|gone|AAAAAAAAAAAAAAAA|AAAA'")
        await change.execute(broken)
    shown = (await owner.get("/token")).json()
    assert shown["tokenMasked"] is None and "gone" in shown["message"]
    assert (await owner.get("/fetch_status")).status_code == 200
    assert (await owner.post("/token", json={"token": vendor.issuer.pasted()})).json()["reset"]
    assert await collector(runtime).once() == 1
    assert (await owner.get("/fetch_status")).json()["ok"]


async def test_before_the_first_fetch(owner: AsyncClient, vendor: SmartThingsSimulator) -> None:
    never = {"code": None, "message": "Not yet fetched", "ok": True, "timestamp": None}
    assert (await owner.get("/fetch_status")).json() == never
    await owner.post("/token", json={"token": vendor.issuer.pasted()})
    assert (await owner.get("/fetch_status")).json().items() >= never.items()
