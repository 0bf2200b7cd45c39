"""The simulated sender: signs raw bytes, retries with new delivery ids, and pushes what cars do."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from tests.turning import TurningClock
from wattledger.simulators import http
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_events import charging_event, vehicle_error, vehicle_state
from wattledger.simulators.smartcar_push import signature


@dataclass
class Callback:
    """A webhook that answers as it is told to, and keeps what came."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    word: str = "simulated-management-token"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/hook")
        async def hook(request: Request) -> Response:
            body = await request.body()
            self.bodies.append(body)
            self.headers.append(dict(request.headers))
            said = json.loads(body)
            if said.get("eventType") == "VERIFY" or said.get("eventName") == "verify":
                challenge = (said.get("data") or said.get("payload"))["challenge"]
                answer = {"challenge": signature(self.word, challenge.encode())}
                return Response(json.dumps(answer), media_type="application/json")
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

        return app

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def callback() -> Callback:
    return Callback()


@pytest.fixture
async def vendor(callback: Callback) -> AsyncIterator[SmartcarSimulator]:
    async with SmartcarSimulator(clock=TurningClock()) as simulator, http.serve(callback.app()) as url:
        simulator.link(external_id="e1")
        simulator.webhooks[0].callback = f"{url}/hook"
        simulator.push.factor = 0.0001
        yield simulator


@pytest.mark.parametrize("v2", [False, True])
async def test_a_callback_proves_that_it_knows_the_token(
    vendor: SmartcarSimulator, callback: Callback, v2: bool
) -> None:
    assert await vendor.push.verify(v2=v2)
    assert "sc-signature" not in callback.headers[0]
    callback.word = "another"
    assert not await vendor.push.verify(v2=v2)


async def test_retries_say_the_same_in_other_bytes(vendor: SmartcarSimulator, callback: Callback) -> None:
    (grant,) = vendor.garage.grants
    event = vehicle_state(vendor, grant, vendor.clock.now())
    callback.statuses = [500, 302, 200]
    assert await vendor.push.send(event) == [500, 302, 200]
    assert len({said["meta"]["deliveryId"] for said in callback.said}) == 3
    assert {said["eventId"] for said in callback.said} == {event["eventId"]}
    for body, headers in zip(callback.bodies, callback.headers, strict=True):
        assert hmac.compare_digest(headers["sc-signature"], signature(vendor.management_token, body))
    callback.statuses = [503] * 9
    assert await vendor.push.send(event) == [503] * 4


async def test_nobody_at_the_address_is_no_answer(vendor: SmartcarSimulator) -> None:
    vendor.webhooks[0].callback = "http://127.0.0.1:1/hook"
    (grant,) = vendor.garage.grants
    event = charging_event(vendor, grant, "CHARGING_STARTED", vendor.clock.now())
    assert await vendor.push.send(event, retries=False) == [0]


async def test_subscribed_cars_push_what_they_do(vendor: SmartcarSimulator, callback: Callback) -> None:
    (grant,) = vendor.garage.grants
    now = vendor.clock.now()
    assert vendor.push.due(now, now + timedelta(days=2)) == []
    vendor.subscribe(vendor.webhooks[0].id, grant.user, grant.vehicle.id)
    events = vendor.push.due(now, now + timedelta(days=2))
    assert events[0]["triggers"] == [{"type": "FIRST_DELIVERY"}]
    assert {t["type"] for e in events[1:] for t in e["triggers"]} == {"SIGNAL_UPDATED"}
    assert any(t["signal"]["code"] == "charge-ischarging" for event in events[1:] for t in event["triggers"])
    assert {status for statuses in await vendor.push.together(events) for status in statuses} == {200}
    assert len(callback.bodies) == len(events)
    assert vendor.push.due(now, now) == []


async def test_errors_and_shapes(vendor: SmartcarSimulator) -> None:
    (grant,) = vendor.garage.grants
    now = vendor.clock.now()
    soc = ["tractionbattery-stateofcharge"]
    wrong = vehicle_error(vendor, grant, "PERMISSION", None, now, signals=soc)
    assert wrong["data"]["errors"][0]["resolution"] == {"type": "REAUTHENTICATE"}
    well = vehicle_error(vendor, grant, "PERMISSION", None, now, resolved=True)["data"]["errors"][0]
    assert (well["state"], "resolution" in well) == ("RESOLVED", False)
    inner = vehicle_state(vendor, grant, now, codes=soc, within=True, mode="TEST")
    assert (inner["data"]["meta"]["mode"], inner["data"]["meta"]["signalCount"]) == ("TEST", 1)
    assert isinstance(inner["data"]["signals"][0]["meta"]["oemUpdatedAt"], int)
