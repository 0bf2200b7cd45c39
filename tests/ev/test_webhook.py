"""What cars report by themselves: signed, once, for their own site alone, and committed before the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from tests.ev.helpers import connected
from tests.web.helpers import BASE, FakeClock
from tests.web.server import raw, serving
from wattledger.faults import sabotage
from wattledger.simulators import smartcar_events as events
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_push import HEADER, Push, signature
from wattledger.store import Store

PATH = "/webhooks/smartcar"


def grant(vendor: SmartcarSimulator) -> Any:
    return vendor.garage.of()[0]


def state(vendor: SmartcarSimulator, **more: Any) -> dict[str, Any]:
    return events.vehicle_state(vendor, grant(vendor), vendor.clock.now(), **more)


async def post(
    client: AsyncClient, vendor: SmartcarSimulator, event: Any, key: str | None = None
) -> Response:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"content-type": "application/json", HEADER: signature(key or vendor.management_token, body)}
    return await client.post(PATH, content=body, headers=headers)


async def stored(store: Store) -> int:
    """How many pushed payloads there are."""
    return len(await store.payloads.list(None, limit=1000, source="webhook"))


async def counted(owner: AsyncClient, app: FastAPI, outcome: str) -> bool:
    text = app.state.hub.metrics.text().decode()
    return f'wattledger_webhooks_total{{outcome="{outcome}"}}' in text


async def test_an_event_comes_down_the_one_road(
    owner: AsyncClient, stranger: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    car = await connected(owner)
    answer = await post(stranger, vendor, state(vendor))
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert await stored(store) == 1, "committed before it was answered"
    await store.payloads.read_orphans()
    told = (await owner.get(f"/v1/ev/me/telemetry/history?vehicle_id={car}")).json()["telemetry"]
    assert any(one["soc_pct"] is not None for one in told)
    assert any(one["latitude"] is not None for one in told)


async def test_the_challenge_is_answered_unsigned(
    stranger: AsyncClient, vendor: SmartcarSimulator, store: Store
) -> None:
    for v2 in (False, True):
        event = events.verify(vendor.webhooks[0], "some-challenge", v2=v2)
        answer = await stranger.post(PATH, json=event)
        assert answer.json() == {"challenge": signature(vendor.management_token, b"some-challenge")}
        assert answer.headers["content-type"] == "application/json"
        assert (await post(stranger, vendor, event)).json() == answer.json(), "signed it is the same"
    assert await stored(store) == 0


async def test_a_challenge_cannot_be_an_event(stranger: AsyncClient, vendor: SmartcarSimulator) -> None:
    event = events.verify(vendor.webhooks[0], json.dumps(state_of_nothing()))
    assert (await stranger.post(PATH, json=event)).status_code == 401
    long = events.verify(vendor.webhooks[0], "a" * 100_000)
    assert (await stranger.post(PATH, json=long)).status_code == 401


def state_of_nothing() -> dict[str, Any]:
    return {"eventId": "e", "eventType": "VEHICLE_STATE", "data": {}}


async def test_signatures(
    owner: AsyncClient, stranger: AsyncClient, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    body = json.dumps(state(vendor)).encode()
    good = signature(vendor.management_token, body)
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    spaced = json.dumps(json.loads(body), separators=(",", ":")).encode()
    for content, sign in ((body, flipped), (spaced, good), (body, ""), (body, "é"), (body + b" ", good)):
        answer = await stranger.post(PATH, content=content, headers=[(HEADER.encode(), sign.encode())])
        assert answer.status_code == 401, sign
        assert vendor.management_token not in answer.text and "eventId" not in answer.text
    assert (await stranger.post(PATH, content=body)).status_code == 401
    twice = [(HEADER, good), (HEADER, good)]
    assert (await stranger.post(PATH, content=body, headers=twice)).status_code == 401
    assert (await post(stranger, vendor, body, "another-application")).status_code == 401
    assert await stored(store) == 0
    assert (await stranger.post(PATH, content=body, headers={HEADER: good.upper()})).status_code == 200


async def test_both_tokens_of_a_rotation(
    owner: AsyncClient, stranger: AsyncClient, app: FastAPI, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    from pydantic import SecretStr

    found = app.state.hub
    update = {"smartcar_management_token_next": SecretStr("the-next-management-token")}
    found.settings = found.settings.model_copy(update=update)
    assert (await post(stranger, vendor, state(vendor))).status_code == 200
    assert (await post(stranger, vendor, state(vendor), "the-next-management-token")).status_code == 200


async def test_an_unset_token_is_named(
    stranger: AsyncClient, app: FastAPI, vendor: SmartcarSimulator
) -> None:
    found = app.state.hub
    found.settings = found.settings.model_copy(update={"smartcar_management_token": None})
    answer = await stranger.post(PATH, content=b"{}")
    assert (answer.status_code, answer.json()["error"]) == (503, "SMARTCAR_MANAGEMENT_TOKEN not configured")


async def test_an_event_counts_once_however_often_it_comes(
    owner: AsyncClient, stranger: AsyncClient, app: FastAPI, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    event = state(vendor)
    answers = await asyncio.gather(*(post(stranger, vendor, again(event, n)) for n in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert await stored(store) == 1 and await counted(owner, app, "duplicate")


def again(event: dict[str, Any], n: int) -> dict[str, Any]:
    """The same event as it is delivered anew: another id of delivery, another body."""
    return {**event, "meta": {**event["meta"], "deliveryId": f"d{n}", "deliveredAt": 1_780_000_000_000 + n}}


async def test_a_trial_is_acknowledged_and_not_stored(
    owner: AsyncClient, stranger: AsyncClient, app: FastAPI, store: Store, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    assert (await post(stranger, vendor, state(vendor, mode="TEST"))).status_code == 200
    assert await stored(store) == 0 and await counted(owner, app, "test")


async def test_signed_nonsense_is_no_fault_of_ours(
    stranger: AsyncClient, app: FastAPI, owner: AsyncClient, vendor: SmartcarSimulator, store: Store
) -> None:
    for body in (b"", b"nonsense", b"[]", b"{}", b"null", b'{"eventType": 3}', b"\xff\xfe", b"[" * 5000):
        assert (await post(stranger, vendor, body)).status_code == 200, body[:20]
    assert await stored(store) == 0 and await counted(owner, app, "unreadable")


async def test_bodies_are_bounded(stranger: AsyncClient, vendor: SmartcarSimulator) -> None:
    answer = await post(stranger, vendor, b"x" * 300_000)
    assert answer.status_code == 413 and "256 KiB" in answer.json()["message"]


async def test_guessing_is_slowed_down_and_the_vendor_is_not(
    owner: AsyncClient, stranger: AsyncClient, vendor: SmartcarSimulator
) -> None:
    await connected(owner)
    wrong = [(await post(stranger, vendor, state(vendor), "wrong")).status_code for _ in range(40)]
    assert wrong[0] == 401 and wrong[-1] == 429
    many = await asyncio.gather(*(post(stranger, vendor, state(vendor)) for _ in range(200)))
    assert {answer.status_code for answer in many} == {200}


async def test_over_a_socket_with_retries(
    owner: AsyncClient, app: FastAPI, store: Store, vendor: SmartcarSimulator, clock: FakeClock
) -> None:
    await connected(owner)
    push = Push(vendor, factor=0)
    async with serving(app) as (host, port):
        vendor.webhooks[0].callback = f"http://{host}:{port}{PATH}"
        assert await push.verify() and await push.verify(v2=True)
        assert await push.send(state(vendor)) == [200]
        assert await push.together([state(vendor) for _ in range(30)]) == [[200]] * 30
        short = b"POST /webhooks/smartcar HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{"
        assert b" 5" not in (await raw(host, port, short))[:13]
    assert await stored(store) == 31


@pytest.mark.parametrize("switch", ["webhook_dedupe", "webhook_test", "webhook_signature"])
async def test_sabotage_webhook_is_noticed(
    owner: AsyncClient, stranger: AsyncClient, store: Store, vendor: SmartcarSimulator, switch: str
) -> None:
    """Dedupe, trials and signatures: with each switched off, something is stored that must not be."""
    await connected(owner)
    event = state(vendor)
    await post(stranger, vendor, event)

    async def kept_out() -> bool:
        before = await stored(store)
        await post(stranger, vendor, again(event, 1))
        await post(stranger, vendor, state(vendor, mode="TEST"))
        await post(stranger, vendor, state(vendor), "wrong-key")
        return await stored(store) == before

    assert await kept_out()
    with sabotage(switch):
        assert not await kept_out()


async def test_a_browser_elsewhere_cannot_call_it(app: FastAPI, vendor: SmartcarSimulator) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as browser:
        assert (await browser.post(PATH, content=b"{}")).status_code == 403
