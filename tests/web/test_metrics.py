"""What /metrics says of freshness, backlog and outcomes, held against the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from tests.payloads import smt
from tests.web.helpers import ADMIN, FakeClock
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.tables import payload
from wattledger.web.operating import OUTCOMES, outcome_of

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(client: AsyncClient) -> Samples:
    answer = await client.get("/metrics", headers={"x-admin-token": ADMIN})
    assert answer.status_code == 200, answer.text
    return {
        (sample.name.removeprefix("wattledger_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


async def upload(store: Store, clock: FakeClock, body: bytes, source: Source = Source.UPLOAD) -> int:
    one = Payload("smart_meter_texas", source, body, clock.now(), "x.csv", "text/csv")
    return (await store.payloads.deliver(DEFAULT_SITE, one)).id


async def test_payloads_by_state_and_the_newest_by_way(
    client: AsyncClient, store: Store, clock: FakeClock
) -> None:
    await upload(store, clock, smt.csv(smt.Day()))
    await upload(store, clock, b"<html>sign in</html>")
    first = await scraped(client)
    assert first["archived_payloads", labels(state="read")] == 1
    assert first["archived_payloads", labels(state="rejected")] == 1
    clock.move(timedelta(hours=2))
    await upload(store, clock, smt.csv(smt.Day(), smt.Day(flow="Surplus Generation")), Source.RELAY)
    clock.move(timedelta(hours=1))
    later = await scraped(client)
    ages = {way[1]: v for (name, way), v in later.items() if name == "source_payload_age_seconds"}
    assert ages == {("source", "upload"): 3 * 3600, ("source", "relay"): 3600}


async def test_what_waits_has_an_age(client: AsyncClient, store: Store, clock: FakeClock) -> None:
    id = await upload(store, clock, smt.csv(smt.Day()))
    assert (await scraped(client))["payload_waiting_seconds", ()] == 0
    async with store.begin() as c:
        await c.execute(update(payload).where(payload.c.id == id).values(state="stored"))
    clock.move(timedelta(minutes=20))
    found = await scraped(client)
    assert found["payload_waiting_seconds", ()] == 1200
    assert found["archived_payloads", labels(state="stored")] == 1


async def test_connections_by_state_and_what_is_due(
    client: AsyncClient, store: Store, clock: FakeClock
) -> None:
    made = await store.connections.create(DEFAULT_SITE, "smartthings", {}, {})
    clock.move(timedelta(minutes=5))
    found = await scraped(client)
    assert found["connections", labels(connector="smartthings", state="never")] == 1
    assert found["connections", labels(connector="smartthings", state="ok")] == 0
    assert found["collection_overdue_seconds", labels(connector="smartthings")] == 300
    (claimed,) = await store.connections.claim(1, ["smartthings"])
    await store.connections.settle(made.id, claimed.lease, None, clock.now() + timedelta(hours=1))
    clock.move(timedelta(seconds=60))
    found = await scraped(client)
    assert found["connections", labels(connector="smartthings", state="ok")] == 1
    assert found["collection_overdue_seconds", labels(connector="smartthings")] == 0
    age = labels(connector="smartthings", connection=made.id)
    assert found["connection_success_age_seconds", age] == 60


async def test_a_relays_last_good_cycle(client: AsyncClient, store: Store, clock: FakeClock) -> None:
    await store.connections.heartbeat("relay", {"ok": True})
    clock.move(timedelta(hours=1))
    await store.connections.heartbeat("relay", {"status": "failed", "error": "no road"})
    found = await scraped(client)
    assert found["relay_heartbeat_age_seconds", labels(relay="relay")] == 0
    assert found["relay_success_age_seconds", labels(relay="relay")] == 3600


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, "ok"),
        (TryLater("later"), "late"),
        (LoginRequired("who"), "needs_login"),
        (Misconfigured("what"), "misconfigured"),
    ],
)
async def test_collections_are_counted_by_outcome(
    app: FastAPI, client: AsyncClient, error: Exception | None, word: str
) -> None:
    assert outcome_of(error) in OUTCOMES  # type: ignore[arg-type]
    app.state.hub.metrics.operating.collected("smartcar", error, 0.7)
    found = await scraped(client)
    assert found["collections_total", labels(connector="smartcar", outcome=word)] == 1
    assert found["collection_seconds_sum", labels(connector="smartcar")] == 0.7
