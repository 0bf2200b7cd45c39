"""API tokens: named, hashed, revocable by their owner alone."""

import pytest
from sqlalchemy import text

from tests.turning import TurningClock
from wattledger.errors import NotFound, Refused
from wattledger.secrets import digest
from wattledger.store.database import Database
from wattledger.store.people.people import People

ONE, OTHER = "one@example.org", "other@example.org"


@pytest.fixture
async def people(database: Database) -> People:
    found = People(database)
    await found.add_user(ONE)
    await found.add_user(OTHER)
    return found


async def test_a_token_names_its_holder(people: People, clock: TurningClock) -> None:
    word = await people.api_token(ONE, "laptop")
    found = await people.principal_for_api_token(word, clock.now())
    assert found is not None
    assert (found.email, found.role, found.via) == (ONE, "owner", "token")


async def test_last_use_is_known_to_the_hour(people: People, clock: TurningClock) -> None:
    word, start = await people.api_token(ONE, "laptop"), clock.now()
    found = await people.principal_for_api_token(word, start)
    assert found is not None
    await people.principal_for_api_token(word, clock.turn(minutes=59))
    assert [row.last_used_at for row in await people.api_tokens(found.user_id)] == [start]
    await people.principal_for_api_token(word, clock.turn(minutes=1))
    assert [row.last_used_at for row in await people.api_tokens(found.user_id)] == [clock.now()]


async def test_a_revoked_token_opens_nothing_and_others_still_do(people: People, clock: TurningClock) -> None:
    lost, kept = await people.api_token(ONE, "lost"), await people.api_token(ONE, "kept")
    owner = await people.principal_for_api_token(lost, clock.now())
    assert owner is not None
    (row,) = [row for row in await people.api_tokens(owner.user_id) if row.name == "lost"]
    other = await people.by_email(OTHER)
    assert other is not None
    with pytest.raises(NotFound):
        await people.revoke_api_token(row.id, other.id, clock.now())
    await people.revoke_api_token(row.id, owner.user_id, clock.now())
    assert await people.principal_for_api_token(lost, clock.now()) is None
    assert await people.principal_for_api_token(kept, clock.now()) is not None
    with pytest.raises(NotFound):
        await people.revoke_api_token(row.id, owner.user_id, clock.now())


async def test_only_a_digest_is_stored(people: People, database: Database) -> None:
    word = await people.api_token(ONE, "laptop")
    async with database.connect() as connection:
        (row,) = (await connection.execute(text("SELECT * FROM api_token"))).all()
    assert digest(word) in row
    assert word not in map(str, row)


async def test_bad_names_and_unknown_people(people: People) -> None:
    for name in ("", " ", "x" * 101, "a\x00"):
        with pytest.raises(Refused):
            await people.api_token(ONE, name)
    with pytest.raises(NotFound):
        await people.api_token("who@example.org", "x")
