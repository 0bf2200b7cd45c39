"""The answers of /v1 about SmartThings are those that the OpenAPI document describes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.climate.conftest import NOW
from tests.web.helpers import FakeClock
from tests.web.judging import WRONG, judge
from wattledger import charging
from wattledger.accounting import Verdict
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.web.v1 import shapes

CONNECTIONS = "/v1/connections"
POLL = f"{CONNECTIONS}/{{id}}/poll"
CONNECT = f"{CONNECTIONS}/smartthings/connect"
OBSERVATIONS = "/v1/usage-points/{id}/observations"
VISITED = {("POST", CONNECTIONS), ("POST", POLL), ("GET", CONNECT)}


async def test_connecting_is_as_described(
    app: FastAPI, owner: AsyncClient, vendor: SmartThingsSimulator
) -> None:
    wish: dict[str, Any] = {"connector": "smartthings"}
    consent = await owner.post(CONNECTIONS, json=wish)
    made = await owner.post(CONNECTIONS, json={**wish, "token": vendor.issuer.pasted()})
    vendor.script.fail("/v1/devices", 500)
    untried = await owner.post(CONNECTIONS, json={**wish, "token": vendor.issuer.pasted()})
    refused = await owner.post(CONNECTIONS, json={**wish, "token": "no-token"})
    assert [a.status_code for a in (consent, made, untried, refused)] == [202, 201, 201, 400]
    assert "warning" in untried.json()
    for answer in (consent, made, untried, refused):
        judge(app, "POST", CONNECTIONS, answer)
    judge(app, "GET", CONNECTIONS, await owner.get(CONNECTIONS))
    judge(app, "GET", CONNECT, await owner.get(CONNECT))


async def test_collecting_is_as_described(
    app: FastAPI, owner: AsyncClient, connection: str, vendor: SmartThingsSimulator, clock: FakeClock
) -> None:
    address = POLL.format(id=connection)
    clock.move(timedelta(minutes=5))
    good = await owner.post(address)
    assert good.json()["payloads"]
    vendor.script.fail("/v1/devices", 500, times=-1)
    bad = await owner.post(address)
    assert (bad.status_code, bad.json()["ok"]) == (200, False)
    clock.move(timedelta(days=2))
    ended = await owner.post(address)
    assert ended.status_code in (200, 409)
    nowhere = await owner.post(POLL.format(id="0" * 32))
    assert nowhere.status_code == 404
    for answer in (good, bad, ended, nowhere):
        judge(app, "POST", POLL, answer)


async def test_verdicts_are_as_described(app: FastAPI, owner: AsyncClient, connection: str) -> None:
    points = (await owner.get("/v1/usage-points")).json()["usage_points"]
    first, last = NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)
    address = OBSERVATIONS.format(id=points[0]["id"])
    answer = await owner.get(f"{address}?start={first}&end={last}")
    told = answer.json()["observations"]
    assert any(row.get("verdict") == "baseline" for row in told)
    judge(app, "GET", OBSERVATIONS, answer)
    with pytest.raises(WRONG):
        judge(app, "GET", CONNECTIONS, answer)


def test_every_verdict_is_described() -> None:
    of_registers, of_cars = set(Verdict), set(charging.Verdict)
    assert set(get_args(shapes.Verdict)) == {str(verdict) for verdict in of_registers | of_cars}
