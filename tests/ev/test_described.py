"""The answers of /v1/ev are those that the OpenAPI document describes."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.ev.helpers import connected
from tests.web.judging import WRONG, judge
from wattledger.simulators.smartcar import SmartcarSimulator

EV = "/v1/ev"
CAR = f"{EV}/me/vehicles/{{id}}"
LISTS = [
    ("GET", f"{EV}/connect"),
    ("GET", f"{EV}/status"),
    ("GET", f"{EV}/me/vehicles"),
    ("GET", f"{EV}/me/telemetry/latest"),
    ("GET", f"{EV}/me/telemetry/history"),
]
ACTS = [("PATCH", CAR), ("PUT", f"{CAR}/primary"), ("DELETE", CAR), ("POST", f"{EV}/disconnect")]
VISITED = {*LISTS, *ACTS}
"""routes of /v1 whose answers are held against their description here"""
CHOICES = {"name": "Ours", "location": True, "capacity_kwh": 60, "efficiency": 0.9}


@pytest.mark.parametrize(("method", "path"), [*LISTS, *ACTS])
async def test_a_cars_answer_is_as_described(
    app: FastAPI, owner: AsyncClient, method: str, path: str
) -> None:
    id = await connected(owner)
    answer = await owner.request(method, path.format(id=id), json=CHOICES if method == "PATCH" else None)
    assert answer.status_code == 200, answer.text
    judge(app, method, path, answer)


@pytest.mark.parametrize(("method", "path"), [*LISTS, *ACTS])
async def test_without_a_car_too(app: FastAPI, owner: AsyncClient, method: str, path: str) -> None:
    answer = await owner.request(
        method, path.format(id="0" * 32), json=CHOICES if method == "PATCH" else None
    )
    assert answer.status_code in (200, 404), answer.text
    judge(app, method, path, answer)


async def test_a_vendor_that_fails_is_as_described(
    app: FastAPI, owner: AsyncClient, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    vendor.script.fail("/batch", 500, times=-1)
    answer = await owner.get(f"{EV}/me/telemetry/latest")
    assert answer.status_code == 502, answer.text
    judge(app, "GET", f"{EV}/me/telemetry/latest", answer)


async def test_another_cars_answer_is_noticed(app: FastAPI, owner: AsyncClient) -> None:
    await connected(owner)
    cars = await owner.get(f"{EV}/me/vehicles")
    with pytest.raises(WRONG):
        judge(app, "GET", f"{EV}/status", cars)
