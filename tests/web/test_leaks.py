"""Every route by every role from both sites, and ids guessed at random: what leaks, counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from tests.payloads import smt
from tests.turns import turns
from tests.web.helpers import BASE
from tests.web.matrix import ROWS, Row
from tests.web.matrix_world import NOWHERE, UNKNOWN, World
from tests.web.test_matrix import NAMING, ROLES, refused, said, wrong_doors
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.web.throttle import Throttle

SEED, MILLION = 9, 1_000_000
EMAILS = ("owner@example.org", "member@example.org", "admin@example.org", "operator@example.org")
PROBED = [row for row in NAMING if row.theirs != (200, 404)]
Record = Callable[[str, object], None]


@pytest.fixture
async def world(app: FastAPI, store: Store) -> AsyncIterator[World]:
    found = World(app, store)
    await found.begin()
    for name in ("failures", "links", "mails", "connects"):
        setattr(app.state.hub, name, Throttle(app.state.hub.clock, 10**12, 10**12))
    yield found
    await app.state.hub.post.idle()


class Prober:
    """The owner of the second site, who guesses ids of the first one."""

    def __init__(self, world: World, client: AsyncClient) -> None:
        self.world, self.client, self.chance = world, client, Random(SEED)
        self.ids: dict[str, str] = {}
        self.missing: dict[str, tuple[int, str]] = {}

    async def begin(self) -> None:
        """Make a thing of every kind, and hear what a route says of no such thing."""
        for row in PROBED:
            kind = str(row.id)
            if kind not in self.ids:
                self.ids[kind] = await self.world.make(kind)
            id = UNKNOWN.get(kind, NOWHERE)
            self.missing[row.route] = said(await self.ask(row, id), id)

    async def ask(self, row: Row, id: str) -> Response:
        return await self.client.request(row.method, **self.world.sent(row, id))

    async def leak(self, row: Row) -> str | None:
        """What a guessed id tells that an id of nothing does not."""
        id = self.guess(str(row.id))
        answer = await self.ask(row, id)
        if said(answer, id) != self.missing[row.route] or any(one in answer.text for one in EMAILS):
            return f"seed {SEED}: {row.route} with {id}: {answer.status_code} {answer.text[:200]}"
        return None

    def guess(self, kind: str) -> str:
        """The true id, one digit off, or any."""
        true, pick = self.ids[kind], self.chance.random()
        if pick < 0.3:
            return true
        if true.isdigit():
            span = 10 ** len(true)
            return (
                f"{self.chance.randrange(span // 10, span)}" if kind == "meter" else str(self.real_payload())
            )
        if pick < 0.6 and len(true) == 32:
            at = self.chance.randrange(32)
            return f"{true[:at]}{self.chance.randrange(16):x}{true[at + 1 :]}"
        return (
            f"{self.chance.getrandbits(128):032x}"
            if len(true) == 32
            else f"{self.chance.getrandbits(32):08x}"
        )

    def real_payload(self) -> int:
        """A number beyond the stranger's own file, which is the second."""
        return self.chance.choice([1, 3, 4, 5, 6, 7, self.chance.randrange(3, 10**6)])


async def probed(world: World, most: int) -> tuple[int, list[str]]:
    """(probes, leaks) of guesses over all routes that name something."""
    headers = {**world.headers["stranger"], "accept": "application/json"}
    async with AsyncClient(transport=ASGITransport(world.app), base_url=BASE, headers=headers) as client:
        prober, leaks, count = Prober(world, client), [], 0
        await prober.begin()
        before = await world.everything()
        for number in turns(most):
            leaks += [one for one in [await prober.leak(PROBED[number % len(PROBED)])] if one]
            count = number
        changed = [] if await world.everything() == before else ["a stranger changed something"]
        return count, leaks + changed


async def test_a_thousand_guessed_ids(world: World) -> None:
    assert (await probed(world, 1000))[1] == []


async def test_sabotage_tenant_scope_is_noticed_by_guesses(world: World) -> None:
    with sabotage("tenant_scope"):
        assert (await probed(world, 100))[1] != []


async def strangers(world: World) -> list[str]:
    """What the owner of the second site is refused there, or sees of the first."""
    wrong = []
    for row in ROWS:
        answer = await world.ask("stranger", row)
        if refused(answer) and row.guard in ("session", "manager", "owner"):
            wrong.append(f"{row.route}: {answer.status_code} for an owner of another site")
        wrong += [f"{row.route}: {one} is shown" for one in (*EMAILS, smt.ONCOR) if one in answer.text]
    return wrong


@pytest.mark.soak
async def test_every_cell_and_guesses_for_a_while(world: World, record_property: Record) -> None:
    probes, leaks = await probed(world, MILLION)  # first: nothing but the second file is the stranger's own
    wrong = [one for role in ROLES for one in await wrong_doors(world, role)] + await strangers(world)
    record_property("routes", len(ROWS))
    record_property("roles_of_the_first_site", len(ROLES))
    record_property("sites", 2)
    record_property("cells", len(ROWS) * (len(ROLES) + 1))
    record_property("guessed_ids", probes)
    record_property("leaks", len(wrong) + len(leaks))
    record_property("seed", SEED)
    assert wrong + leaks == []
