"""Collecting in the hub: at marks of five minutes, on demand, never within a vendor's pause."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from typer.testing import CliRunner

from tests.climate.helpers import poll, watch
from tests.web.helpers import FakeClock
from wattledger.cli import token as token_command
from wattledger.cli.collector import collector
from wattledger.cli.runtime import Runtime
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_script import Fault
from wattledger.store import Store


async def test_due_at_the_next_mark_of_five_minutes(
    runtime: Runtime, connection: str, clock: FakeClock, store: Store
) -> None:
    row = await store.connections.get(connection, None)
    assert row.next_poll_at == datetime(2026, 7, 15, 21, 5, tzinfo=UTC)
    assert await collector(runtime).once() == 0
    clock.move(timedelta(minutes=2, seconds=29))
    assert await collector(runtime).once() == 0
    clock.move(timedelta(seconds=2))
    assert await collector(runtime).once() == 1
    row = await store.connections.get(connection, None)
    assert row.next_poll_at == datetime(2026, 7, 15, 21, 10, tzinfo=UTC)


async def test_a_click_ignores_the_cadence_and_says_what_came(
    owner: AsyncClient, connection: str, clock: FakeClock
) -> None:
    answer = (await owner.post(f"/v1/connections/{connection}/poll")).json()
    assert answer["ok"] and [p["filename"] for p in answer["payloads"]] == ["devices.json"]
    assert (await owner.post("/v1/connections/" + "0" * 32 + "/poll")).status_code == 404


async def test_clicks_at_once_are_one_collection_after_the_other(
    owner: AsyncClient, connection: str, vendor: SmartThingsSimulator, clock: FakeClock
) -> None:
    clock.move(timedelta(minutes=5))
    vendor.script.delay = 0.3
    asked = vendor.asked("/devices")
    path = f"/v1/connections/{connection}/poll"
    answers = await asyncio.gather(owner.post(path), owner.post(path))
    assert [a.status_code for a in answers] == [200, 200]
    assert all(a.json()["ok"] for a in answers)
    assert vendor.asked("/devices") - asked <= 2


async def test_a_pause_that_the_vendor_wants_is_kept_even_for_a_click(
    owner: AsyncClient, connection: str, vendor: SmartThingsSimulator, clock: FakeClock
) -> None:
    clock.move(timedelta(minutes=5))
    limited = Fault("/devices", 429, b'{"error":{"message":"retry in 40000 millis"}}')
    vendor.script.faults.append((limited, -1))
    answer = (await owner.post(f"/v1/connections/{connection}/poll")).json()
    assert not answer["ok"]
    status = (await owner.get("/fetch_status")).json()
    assert (status["ok"], status["code"]) == (False, 429)
    vendor.script.faults.clear()
    asked = len(vendor.calls)
    again = await owner.post(f"/v1/connections/{connection}/poll")
    assert again.status_code == 503 and 30 <= int(again.headers["retry-after"]) <= 40
    assert len(vendor.calls) == asked
    clock.move(timedelta(seconds=41))
    await poll(owner, connection)
    assert (await owner.get("/fetch_status")).json()["ok"]


async def test_a_hub_that_does_not_collect_says_so(app: FastAPI, owner: AsyncClient, connection: str) -> None:
    app.state.hub.on_demand = None
    answer = await owner.post(f"/v1/connections/{connection}/poll")
    assert (answer.status_code, answer.json()["error"]) == (409, "NO_COLLECTOR")


async def test_verdicts_are_readable_and_replay_is_the_same(
    owner: AsyncClient, connection: str, clock: FakeClock, store: Store
) -> None:
    await watch(owner, clock, connection, 4)
    point = (await owner.get("/dashboard")).json()[0]["usagePoint"]
    path = f"/v1/usage-points/{point}/observations"
    listed = (await owner.get(path)).json()["observations"]
    judged = [o["verdict"] for o in listed if "verdict" in o]
    assert judged == ["baseline", "ok", "ok", "ok", "ok"]
    before = await store.digest()
    assert (await store.replay()).digest == before
    assert (await owner.get(path)).json()["observations"] == listed


@pytest.mark.parametrize(
    "body",
    [{"connector": "smart_meter_texas"}, {"connector": "smartthings", "token": 5}, {"token": "x-y"}, []],
)
async def test_wrong_connections_are_refused(owner: AsyncClient, body: object) -> None:
    assert (await owner.post("/v1/connections", json=body)).status_code == 422


async def test_a_bad_token_makes_no_connection(owner: AsyncClient, store: Store) -> None:
    for token in ("abc", "wrong-token-of-nobody"):
        answer = await owner.post("/v1/connections", json={"connector": "smartthings", "token": token})
        assert answer.status_code == 400, token
    assert await store.connections.list(None) == []


async def test_the_command_sets_a_token_from_standard_input(
    tmp_path: Path, vendor: SmartThingsSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARTTHINGS_BASE_URL", vendor.url)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    token = vendor.issuer.pasted()
    arguments = ["set", "--stdin", "--data", str(tmp_path / "own")]
    for said in ("New token stored", "The same token: nothing changed"):
        done = await asyncio.to_thread(CliRunner().invoke, token_command.app, arguments, input=f"{token}\n")
        assert done.exit_code == 0 and said in done.output, done.output
        assert token not in done.output
    done = await asyncio.to_thread(CliRunner().invoke, token_command.app, arguments, input="letters")
    assert "only letters" in str(done.exception)
