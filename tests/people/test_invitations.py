"""Invitations: good once and for seven days, for one address, one site, one role."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from tests.turning import TurningClock
from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotage
from wattledger.secrets import digest
from wattledger.store.database import Database
from wattledger.store.people.people import People
from wattledger.store.people.sites import DEFAULT_SITE

OWNER, GUEST = "owner@example.org", "guest@example.org"


@pytest.fixture
async def people(database: Database) -> People:
    found = People(database)
    await found.add_user(OWNER)
    return found


async def invited(people: People, role: str = "member", email: str = GUEST) -> str:
    return await people.invite(DEFAULT_SITE, email, role, "tests")


async def test_accepting_makes_a_member_and_signs_in(people: People, clock: TurningClock) -> None:
    word = await invited(people, "admin", " GUEST@Example.org ")
    session = await people.accept(word, clock.turn(days=6))
    found = await people.session(session or "", clock.now())
    assert found is not None and (found.email, found.role, found.site) == (GUEST, "admin", DEFAULT_SITE)
    assert await people.invitations(DEFAULT_SITE, clock.now()) == []


async def test_it_is_over_after_seven_days(people: People, clock: TurningClock) -> None:
    word = await invited(people)
    assert await people.invitation(word, clock.turn(days=7)) is None
    assert await people.accept(word, clock.now()) is None


async def accepted(people: People, clock: TurningClock) -> int:
    word = await invited(people)
    got = await asyncio.gather(*(people.accept(word, clock.now()) for _ in range(20)))
    return sum(one is not None for one in got)


async def test_of_many_who_accept_at_once_one_is_signed_in(people: People, clock: TurningClock) -> None:
    assert await accepted(people, clock) == 1


async def test_sabotage_link_single_use_is_noticed_by_invitations(
    people: People, clock: TurningClock
) -> None:
    with sabotage("link_single_use"):
        assert await accepted(people, clock) > 1


async def test_looking_uses_nothing_up(people: People, clock: TurningClock) -> None:
    word = await invited(people)
    for _ in range(3):
        row = await people.invitation(word, clock.now())
        assert row is not None and (row.email, row.role) == (GUEST, "member")
    assert await people.accept(word, clock.now())


async def test_a_new_one_voids_the_old_one(people: People, clock: TurningClock) -> None:
    old, new = await invited(people), await invited(people, "owner")
    assert await people.accept(old, clock.now()) is None
    (row,) = await people.invitations(DEFAULT_SITE, clock.now())
    assert row.role == "owner"
    assert await people.accept(new, clock.now())


async def test_one_that_was_taken_back_opens_nothing(people: People, clock: TurningClock) -> None:
    word = await invited(people, "owner")
    (row,) = await people.invitations(DEFAULT_SITE, clock.now())
    with pytest.raises(NotFound):
        await people.revoke_invitation(row.id, DEFAULT_SITE, "tests", clock.now(), ("member",))
    with pytest.raises(NotFound):
        await people.revoke_invitation(row.id, "f" * 32, "tests", clock.now())
    await people.revoke_invitation(row.id, DEFAULT_SITE, "tests", clock.now())
    assert await people.accept(word, clock.now()) is None


async def test_links_of_one_kind_are_no_use_as_another(people: People, clock: TurningClock) -> None:
    word, link = await invited(people), await people.start_link(OWNER, clock.now())
    assert await people.consume_link(word, clock.now()) is None
    assert await people.consume_setup(word, GUEST, clock.now()) is None
    assert await people.accept(link or "", clock.now()) is None
    for nonsense in ("", "x", "\0", "\ud800"):
        assert await people.accept(nonsense, clock.now()) is None


async def test_what_cannot_be_is_refused(people: People) -> None:
    for email, role in ((OWNER, "member"), ("nonsense", "member"), (GUEST, "king")):
        with pytest.raises(Refused):
            await invited(people, role, email)
    with pytest.raises(NotFound):
        await people.invite("f" * 32, GUEST, "member", "tests")


async def test_whoever_is_here_by_then_keeps_their_role(people: People, clock: TurningClock) -> None:
    word = await invited(people)
    await people.add_user(GUEST)
    await people.accept(word, clock.now())
    assert {row.email: row.role for row in await people.members(DEFAULT_SITE)}[GUEST] == "owner"


async def test_the_database_holds_its_digest_only(people: People, database: Database) -> None:
    word = await invited(people)
    async with database.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM login_link"))).all()
        told = (await connection.execute(text("SELECT * FROM audit"))).all()
    assert digest(word) in repr(rows) and word not in repr(rows) + repr(told)
