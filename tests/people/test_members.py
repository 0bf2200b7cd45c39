"""Members: roles, the last owner, and what ends when somebody goes."""

from __future__ import annotations

import asyncio

import pytest

from tests.turning import TurningClock
from wattledger.errors import NotFound, Refused
from wattledger.faults import sabotage
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.people import People
from wattledger.store.people.sites import DEFAULT_SITE, Sites

OWNER, OTHER = "owner@example.org", "other@example.org"


@pytest.fixture
async def people(database: Database) -> People:
    found = People(database)
    await found.add_user(OWNER)
    return found


async def id_of(people: People, email: str) -> str:
    found = await people.by_email(email)
    assert found is not None
    return found.id


async def joined(people: People, clock: TurningClock, role: str = "member", site: str = DEFAULT_SITE) -> str:
    """The session of somebody who accepted an invitation."""
    session = await people.accept(await people.invite(site, OTHER, role, "tests"), clock.now())
    assert session is not None
    return session


async def test_roles_change_and_reach_sessions_and_tokens(people: People, clock: TurningClock) -> None:
    session = await joined(people, clock)
    token = await people.api_token(OTHER, "x")
    other = await id_of(people, OTHER)
    for role in ("admin", "owner", "member"):
        assert (await people.set_role(other, DEFAULT_SITE, role, "tests")).role == role
        for found in (
            await people.session(session, clock.now()),
            await people.principal_for_api_token(token, clock.now()),
        ):
            assert found is not None and (found.role, found.manages) == (role, role != "member")
    with pytest.raises(Refused, match="role"):
        await people.set_role(other, DEFAULT_SITE, "king", "tests")


async def test_the_last_owner_stays(people: People, clock: TurningClock) -> None:
    owner = await id_of(people, OWNER)
    await joined(people, clock, "admin")
    with pytest.raises(Refused, match="last owner"):
        await people.set_role(owner, DEFAULT_SITE, "member", "tests")
    with pytest.raises(Refused, match="last owner"):
        await people.remove_member(owner, DEFAULT_SITE, "tests")


async def owners_left(people: People, clock: TurningClock) -> int:
    """How many owners stay when both leave at once."""
    await joined(people, clock, "owner")
    ids = [await id_of(people, email) for email in (OWNER, OTHER)]
    going = (people.remove_member(id, DEFAULT_SITE, "tests") for id in ids)
    await asyncio.gather(*going, return_exceptions=True)
    return sum(row.role == "owner" for row in await people.members(DEFAULT_SITE))


async def test_of_two_owners_who_leave_at_once_one_stays(people: People, clock: TurningClock) -> None:
    assert await owners_left(people, clock) == 1


async def test_sabotage_last_owner_is_noticed(people: People, clock: TurningClock) -> None:
    with sabotage("last_owner"):
        assert await owners_left(people, clock) == 0


async def test_who_goes_is_out_at_once_but_stays_elsewhere(
    people: People, clock: TurningClock, database: Database
) -> None:
    here = await joined(people, clock)
    token = await people.api_token(OTHER, "x", DEFAULT_SITE)
    site = (await Sites(database).add("Elsewhere", "America/Denver", None, "tests")).id
    there = await joined(people, clock, "admin", site)
    kept = await people.api_token(OTHER, "y", site)
    await people.remove_member(await id_of(people, OTHER), DEFAULT_SITE, "tests")
    now = clock.now()
    assert await people.session(here, now) is None
    assert await people.principal_for_api_token(token, now) is None
    found = await people.session(there, now)
    assert found is not None and (found.site, found.role) == (site, "admin")
    assert await people.principal_for_api_token(kept, now) is not None
    with pytest.raises(NotFound):
        await people.go_to(there, DEFAULT_SITE, now)


async def test_who_belongs_nowhere_gets_no_link(people: People, clock: TurningClock) -> None:
    await joined(people, clock)
    assert await people.start_link(OTHER, clock.now())
    await people.remove_member(await id_of(people, OTHER), DEFAULT_SITE, "tests")
    assert await people.start_link(OTHER, clock.now()) is None


async def test_another_sites_people_are_nobody_here(
    people: People, clock: TurningClock, database: Database
) -> None:
    site = (await Sites(database).add("Elsewhere", "America/Denver", None, "tests")).id
    await joined(people, clock, "member", site)
    other = await id_of(people, OTHER)
    for act in (
        people.set_role(other, DEFAULT_SITE, "admin", "t"),
        people.remove_member(other, DEFAULT_SITE, "t"),
        people.member(other, DEFAULT_SITE),
    ):
        with pytest.raises(NotFound):
            await act


async def test_an_admin_removes_members_only(people: People, clock: TurningClock) -> None:
    await joined(people, clock, "admin")
    other = await id_of(people, OTHER)
    with pytest.raises(Refused, match="owner"):
        await people.remove_member(other, DEFAULT_SITE, "tests", ("member",))
    assert await people.member(other, DEFAULT_SITE)


async def test_signing_in_leads_to_the_site_used_last(
    people: People, clock: TurningClock, database: Database
) -> None:
    site = (await Sites(database).add("Elsewhere", "America/Denver", None, "tests")).id
    await joined(people, clock)
    clock.turn(minutes=1)
    session = await joined(people, clock, "member", site)
    assert [row.name for row, _ in await Sites(database).of(await id_of(people, OTHER))] == [
        "Home", "Elsewhere",
    ]  # fmt: skip
    clock.turn(minutes=1)
    await people.go_to(session, DEFAULT_SITE, clock.now())
    found = await people.session(session, clock.now())
    assert found is not None and found.site == DEFAULT_SITE
    await people.end_sessions(await id_of(people, OTHER))
    word = await people.consume_link(await people.start_link(OTHER, clock.now()) or "", clock.now())
    again = await people.session(word or "", clock.now())
    assert again is not None and again.site == DEFAULT_SITE


async def test_what_was_done_is_in_the_sites_audit_alone(
    people: People, clock: TurningClock, database: Database
) -> None:
    site = (await Sites(database).add("Elsewhere", "America/Denver", None, "tests")).id
    await joined(people, clock, "member", site)
    await people.set_role(await id_of(people, OTHER), site, "admin", "tests")
    audit = Audit(database)
    done = [row.action for row in await audit.list(site=site)]
    assert done == ["member.role", "session.started", "invitation.accepted", "invitation.made", "site.made"]
    assert {row.site for row in await audit.list(site=DEFAULT_SITE)} == {DEFAULT_SITE}
    assert await audit.verify()


async def test_the_sessions_of_a_person_are_listed(people: People, clock: TurningClock) -> None:
    first = await joined(people, clock)
    clock.turn(minutes=5)
    word = await people.consume_link(await people.start_link(OTHER, clock.now()) or "", clock.now())
    rows = await people.sessions(await id_of(people, OTHER), clock.now(), first)
    assert [row.here for row in rows] == [False, True] and word is not None
