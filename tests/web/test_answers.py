"""The answers of /v1 are those that the OpenAPI document describes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.climate import test_described as climate
from tests.ev import test_described as cars
from tests.payloads import smt
from tests.web import test_answers_of_people, test_calendar, test_everything, test_sessions
from tests.web.helpers import Relay
from tests.web.judging import WRONG, judge
from wattledger.store import Store
from wattledger.web.reference import described

ROUTES = [
    ("GET", "/v1/me", "/v1/me", 200),
    ("POST", "/v1/tokens", "/v1/tokens", 201),
    ("GET", "/v1/tokens", "/v1/tokens", 200),
    ("DELETE", "/v1/tokens/{id}", "/v1/tokens/{token}", 200),
    ("GET", "/v1/connections", "/v1/connections", 200),
    ("GET", "/v1/usage-points", "/v1/usage-points", 200),
    ("GET", "/v1/usage-points/{id}", "/v1/usage-points/{point}", 200),
    ("PATCH", "/v1/usage-points/{id}", "/v1/usage-points/{point}", 200),
    ("GET", "/v1/usage-points/{id}/gaps", "/v1/usage-points/{point}/gaps", 200),
    ("GET", "/v1/usage-points/{id}/revisions", "/v1/usage-points/{point}/revisions", 200),
    ("GET", "/v1/usage-points/{id}/observations", "/v1/usage-points/{point}/observations", 200),
    ("GET", "/v1/usage-points/{id}/energy", "/v1/usage-points/{point}/energy?by=month", 200),
    ("GET", "/v1/usage-points/{id}/energy", "/v1/usage-points/{point}/energy?by=hour&start=2025-10-23", 200),
    ("POST", "/v1/usage-points/{id}/backfill", "/v1/usage-points/{point}/backfill", 202),
    ("GET", "/v1/payloads", "/v1/payloads", 200),
    ("GET", "/v1/payloads/{id}", "/v1/payloads/1", 200),
    ("GET", "/v1/payloads/{id}/download", "/v1/payloads/1/download", 200),
    ("POST", "/v1/payloads/{id}/reread", "/v1/payloads/1/reread", 200),
    ("POST", "/v1/payloads/{id}/withdraw", "/v1/payloads/1/withdraw", 200),
    ("POST", "/v1/uploads", "/v1/uploads?filename=x.csv", 200),
    ("GET", "/v1/usage-points/{id}", "/v1/usage-points/" + "0" * 32, 404),
    ("GET", "/v1/usage-points/{id}/energy", "/v1/usage-points/{point}/energy?by=week", 422),
    ("GET", "/v1/usage-points/{id}/gaps", "/v1/usage-points/{point}/gaps?start=never", 400),
]
BODIES: dict[str, Any] = {
    "/v1/tokens": {"name": "a script"},
    "/v1/usage-points/{id}": {"name": "Barn"},
    "/v1/usage-points/{id}/backfill": {},
}


@pytest.fixture
async def filled(store: Store, owner: AsyncClient, point: str) -> AsyncIterator[dict[str, str]]:
    """A meter with revised, refused and missing readings, a relay, and a token to end."""
    again = smt.Day(smt.FALL, revision=datetime(2026, 6, 1, tzinfo=UTC).replace(tzinfo=None))
    late = smt.Day(smt.NORMAL, revision=datetime(2027, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    sent = await owner.post("/v1/uploads?filename=again.csv", content=smt.csv(again, late))
    (refusal,) = sent.json()["summary"]["rejections"]
    assert (refusal["line"], refusal["count"]) == (102, 96)
    await owner.post("/v1/uploads?filename=page.html", content=b"<html>")
    await store.connections.heartbeat("r1", {"status": "ok"}, datetime(2026, 6, 15, tzinfo=UTC))
    tokens = (await owner.get("/v1/tokens")).json()["tokens"]
    yield {"point": point, "token": tokens[0]["id"]}


@pytest.mark.parametrize(("method", "path", "address", "status"), ROUTES)
async def test_an_answer_is_as_described(
    app: FastAPI,
    owner: AsyncClient,
    relay: Relay,
    filled: dict[str, str],
    method: str,
    path: str,
    address: str,
    status: int,
) -> None:
    if path == "/v1/uploads":
        answer = await owner.post(address, content=smt.csv(smt.Day(smt.SPRING)))
    else:
        body = BODIES.get(path) if method in ("POST", "PATCH") else None
        answer = await owner.request(method, address.format(**filled), json=body)
    assert answer.status_code == status, answer.text
    judge(app, method, path, answer)


async def test_several_files_and_formats_are_described(
    app: FastAPI, owner: AsyncClient, filled: dict[str, str]
) -> None:
    files = [("file", (f"{n}.csv", smt.csv(smt.days(smt.NORMAL, 1, seed=n)[0]), "text/csv")) for n in (1, 2)]
    both = await owner.post("/v1/uploads", files=files)
    await both.request.aread()
    judge(app, "POST", "/v1/uploads", both)
    for form in ("csv", "parquet", "greenbutton"):
        answer = await owner.get(f"/v1/usage-points/{filled['point']}/energy?format={form}")
        judge(app, "GET", "/v1/usage-points/{id}/energy", answer)


async def test_nobody_is_answered_as_described(app: FastAPI, client: AsyncClient) -> None:
    answer = await client.get("/v1/me")
    assert answer.status_code == 401
    judge(app, "GET", "/v1/me", answer)


def test_every_route_of_v1_is_described_and_visited(app: FastAPI) -> None:
    operations = {
        (method.upper(), path)
        for path, about in described(app)["paths"].items()
        for method in about
        if path.startswith("/v1/") and path != "/v1/auth/link"
    }
    visited = {(method, path) for method, path, _, _ in ROUTES}
    for elsewhere in (climate, cars, test_sessions, test_calendar, test_everything, test_answers_of_people):
        visited |= elsewhere.VISITED
    assert operations == visited


async def test_another_answer_is_noticed(app: FastAPI, owner: AsyncClient, filled: dict[str, str]) -> None:
    me = await owner.get("/v1/me")
    with pytest.raises(WRONG):
        judge(app, "GET", "/v1/tokens", me)
    with_flows = await owner.get(f"/v1/usage-points/{filled['point']}")
    with pytest.raises(WRONG):
        judge(app, "PATCH", "/v1/usage-points/{id}", with_flows)
