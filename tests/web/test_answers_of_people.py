"""What /v1 says of people, sites, meters, the equation and alerts is as the OpenAPI document has it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import Response

from tests.web.judging import WRONG, judge
from tests.web.matrix import Row
from tests.web.matrix_world import World
from wattledger.store import Store
from wattledger.web.guards import Guard

OTHER_METER, ASKED_FOR = "10400000000000001", "10400000000000002"
NEW_METER = {"esiid": OTHER_METER, "site": "{other}"}
AGREEMENT = {
    "esiid": OTHER_METER,
    "email": "customer@example.org",
    "meter_number": "100200300LG",
    "puct_number": "10052",
}


def asked(who: Guard, status: int, route: str, id: str | None = None, **more: object) -> tuple[str, int, Row]:
    """Who asks, what the answer's status is, and what is asked."""
    return who, status, Row(route, who, id, **more)  # type: ignore[arg-type]


ASKED = [
    asked("owner", 200, "GET /v1/people"),
    asked("owner", 200, "PATCH /v1/people/{id}", "member", body={"role": "admin"}),
    asked("owner", 422, "PATCH /v1/people/{id}", "member", body={"role": "queen"}),
    asked("owner", 200, "DELETE /v1/people/{id}", "member"),
    asked("owner", 200, "POST /v1/people/{id}/sign-out", "member"),
    asked("operator", 200, "POST /v1/people/leave"),
    asked("owner", 409, "POST /v1/people/leave"),
    asked("owner", 200, "GET /v1/invitations"),
    asked("owner", 201, "POST /v1/invitations", body={"email": "guest@example.org"}),
    asked("owner", 200, "DELETE /v1/invitations/{id}", "invitation"),
    asked("owner", 200, "GET /v1/audit"),
    asked("operator", 200, "GET /v1/audit/all"),
    asked("owner", 403, "GET /v1/audit/all"),
    asked("owner", 200, "GET /v1/sites"),
    asked("operator", 200, "GET /v1/sites/all"),
    asked("operator", 201, "POST /v1/sites", body={"name": "Lake house"}),
    asked("operator", 201, "POST /v1/usage-points", body=NEW_METER),
    asked("operator", 200, "POST /v1/usage-points/{id}/assign", "point", body={"site": "{other}"}),
    asked("owner", 200, "GET /v1/agreements"),
    asked("owner", 202, "POST /v1/agreements", body=AGREEMENT),
    asked("owner", 200, "GET /v1/balance"),
    asked("owner", 200, "GET /v1/balance", asks="by=month&format=csv"),
    asked("owner", 200, "GET /v1/alerts"),
    asked("owner", 200, "GET /v1/alerts", asks="state=closed"),
]
VISITED = {(row.method, row.path) for _, _, row in ASKED}
"""routes of /v1 whose answers are held against their description here"""


@pytest.fixture
async def world(app: FastAPI, store: Store) -> AsyncIterator[World]:
    """Two sites; in each list of the first one stands something."""
    found = World(app, store)
    await found.begin()
    for kind in ("member", "invitation", "alert", "vehicle"):
        await found.make(kind)
    assert (await waiting(found, ASKED_FOR)).status_code == 202
    yield found
    await app.state.hub.post.idle()


async def waiting(world: World, esiid: str) -> Response:
    """The answer to asking for a meter's agreement."""
    return await world.ask("owner", Row("POST /v1/agreements", "manager", body={**AGREEMENT, "esiid": esiid}))


@pytest.mark.parametrize(("who", "status", "row"), ASKED, ids=lambda it: getattr(it, "route", str(it)))
async def test_an_answer_is_as_described(app: FastAPI, world: World, who: str, status: int, row: Row) -> None:
    answer = await world.ask(who, row, await world.make(row.id) if row.id else None)
    assert answer.status_code == status, answer.text
    judge(app, row.method, row.path, answer)


async def test_lists_that_are_judged_are_not_empty(world: World) -> None:
    for path in ("people", "invitations", "agreements", "sites", "audit", "alerts"):
        said = (await world.ask("owner", Row(f"GET /v1/{path}", "owner"))).json()
        assert said[path], path


async def test_another_answer_is_noticed(app: FastAPI, world: World) -> None:
    people = await world.ask("owner", Row("GET /v1/people", "session"))
    with pytest.raises(WRONG):
        judge(app, "GET", "/v1/sites", people)
