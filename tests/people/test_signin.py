"""Links work once, for ten minutes; sessions end by idleness, age or signing out; only digests are kept."""

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.turning import TurningClock
from wattledger.errors import Refused
from wattledger.faults import sabotage
from wattledger.secrets import digest
from wattledger.store.database import Database
from wattledger.store.people.people import People, Principal

OWNER = "owner@example.org"


@pytest.fixture
async def people(database: Database) -> People:
    found = People(database)
    await found.add_user(OWNER)
    return found


async def link(people: People, clock: TurningClock) -> str:
    word = await people.start_link(OWNER, clock.now())
    assert word is not None
    return word


async def signed_in(people: People, clock: TurningClock) -> str:
    word = await people.consume_link(await link(people, clock), clock.now())
    assert word is not None
    return word


async def test_a_link_opens_a_session(people: People, clock: TurningClock) -> None:
    found = await people.session(await signed_in(people, clock), clock.now())
    user = await people.by_email(OWNER)
    assert user is not None
    assert isinstance(found, Principal)
    assert (found.user_id, found.email, found.role, found.via) == (user.id, OWNER, "owner", "session")


async def test_a_link_works_once_and_not_after_ten_minutes(people: People, clock: TurningClock) -> None:
    word = await link(people, clock)
    assert await people.consume_link(word, clock.now()) is not None
    assert await people.consume_link(word, clock.now()) is None
    late = await link(people, clock)
    assert await people.consume_link(late, clock.turn(minutes=10)) is None


async def test_nobody_gets_a_link_for_an_unknown_address(people: People, clock: TurningClock) -> None:
    assert await people.start_link("who@example.org", clock.now()) is None
    with pytest.raises(Refused):
        await people.start_link("who", clock.now())


@pytest.mark.parametrize("word", ["", "x", "\0", "\ud800", "x" * 100_000])
async def test_words_that_nobody_gave_open_nothing(people: People, clock: TurningClock, word: str) -> None:
    now = clock.now()
    assert await people.consume_link(word, now) is None
    assert await people.consume_setup(word, OWNER, now) is None
    assert await people.session(word, now) is None
    assert await people.principal_for_api_token(word, now) is None


async def sessions_from_one_link(people: People, clock: TurningClock) -> int:
    word = await link(people, clock)
    opened = await asyncio.gather(*(people.consume_link(word, clock.now()) for _ in range(50)))
    return sum(one is not None for one in opened)


async def test_fifty_at_once_get_one_session(people: People, clock: TurningClock) -> None:
    assert await sessions_from_one_link(people, clock) == 1


async def test_sabotage_link_single_use_is_noticed(people: People, clock: TurningClock) -> None:
    with sabotage("link_single_use"):
        assert await sessions_from_one_link(people, clock) > 1


async def test_a_session_ends_after_fourteen_idle_days(people: People, clock: TurningClock) -> None:
    word = await signed_in(people, clock)
    assert await people.session(word, clock.turn(days=13)) is not None
    assert await people.session(word, clock.turn(days=13)) is not None
    assert await people.session(word, clock.turn(days=14)) is None


async def test_a_session_ends_after_ninety_days_however_busy(people: People, clock: TurningClock) -> None:
    word = await signed_in(people, clock)
    start = clock.now()
    while clock.now() < start + timedelta(days=88):
        assert await people.session(word, clock.turn(days=8)) is not None
    assert await people.session(word, clock.turn(days=2)) is None


async def test_signing_out_here_and_everywhere(people: People, clock: TurningClock) -> None:
    here, there = await signed_in(people, clock), await signed_in(people, clock)
    await people.end_session(here)
    assert await people.session(here, clock.now()) is None
    found = await people.session(there, clock.now())
    assert found is not None
    await people.end_sessions(found.user_id)
    assert await people.session(there, clock.now()) is None


async def test_the_database_holds_digests_only(
    people: People, database: Database, clock: TurningClock
) -> None:
    word, session = await link(people, clock), await signed_in(people, clock)
    async with database.connect() as connection:
        links = [row.digest for row in await connection.execute(text("SELECT digest FROM login_link"))]
        sessions = [row.digest for row in await connection.execute(text("SELECT digest FROM session"))]
    assert digest(word) in links
    assert sessions == [digest(session)]


async def test_setup_link_makes_the_first_owner_once(database: Database, clock: TurningClock) -> None:
    people = People(database)
    older, word = await people.setup_link(), await people.setup_link()
    clock.turn(days=30)
    with pytest.raises(Refused):
        await people.consume_setup(word, "no address", clock.now())
    assert await people.consume_setup(older, OWNER, clock.now()) is None
    assert await people.consume_link(word, clock.now()) is None
    opened = await asyncio.gather(*(people.consume_setup(word, OWNER, clock.now()) for _ in range(8)))
    (session,) = [one for one in opened if one]
    found = await people.session(session, clock.now())
    assert found is not None
    assert (found.email, found.role) == (OWNER, "owner")


async def test_setup_link_is_void_once_somebody_exists(database: Database, clock: TurningClock) -> None:
    people = People(database)
    word = await people.setup_link()
    await people.add_user(OWNER)
    assert await people.consume_setup(word, "eve@example.org", clock.now()) is None


async def test_nobody_waits_for_a_busy_writer_to_be_let_in(
    people: People, database: Database, clock: TurningClock
) -> None:
    word, token = await signed_in(people, clock), await people.api_token(OWNER, "laptop")
    start = time.monotonic()
    async with database.begin() as connection:
        for table in ("session", "api_token"):
            await connection.execute(text(f"UPDATE {table} SET created_at = created_at"))
        assert await people.session(word, clock.turn(hours=2)) is not None
        assert await people.principal_for_api_token(token, clock.now()) is not None
    assert time.monotonic() - start < 5
