"""The audit trail: in the action's transaction, in one chain, and closed to changes."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from wattledger.faults import sabotage
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.people.people import People

UNGUARD = {
    True: ["DROP TRIGGER audit_only_added ON audit"],
    False: ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"],
}
TAMPERING = [
    "UPDATE audit SET actor='eve' WHERE id=2",
    "UPDATE audit SET details='{\"n\": 9}' WHERE id=2",
    "DELETE FROM audit WHERE id=2",
    "DELETE FROM audit WHERE id=1",
    "UPDATE audit SET id=9 WHERE id=2",
]


@pytest.fixture
async def audit(database: Database) -> Audit:
    found = Audit(database)
    for n in range(4):
        await found.record(
            None, "owner", "payload.withdrawn", f"payload {n}", {"n": n, "why": "a neighbour's é"}
        )
    return found


async def test_rows_are_read_back_newest_first(audit: Audit) -> None:
    rows = await audit.list(limit=3)
    assert [row.subject for row in rows] == ["payload 3", "payload 2", "payload 1"]
    assert [row.subject for row in await audit.list(before=rows[-1].id)] == ["payload 0"]
    assert [row.details["n"] for row in await audit.list(subject="payload 2")] == [2]
    assert await audit.verify()
    assert await audit.head() == (4, rows[0].hash)


async def test_many_writers_make_one_chain(audit: Audit) -> None:
    await asyncio.gather(*(audit.record(None, "member", "x", str(n)) for n in range(20)))
    assert (await audit.head())[0] == 24
    assert await audit.verify()


async def test_an_action_that_fails_leaves_no_row(audit: Audit, database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as connection:
            await audit.record(connection, "owner", "x", "y")
            raise RuntimeError
    assert (await audit.head())[0] == 4


async def test_what_people_do_is_recorded(database: Database) -> None:
    people = People(database)
    await people.add_user("owner@example.org")
    await people.add_user("owner@example.org")
    await people.api_token("owner@example.org", "laptop")
    assert [row.action for row in await Audit(database).list()] == ["api_token.made", "person.added"]


@pytest.mark.parametrize("statement", TAMPERING)
async def test_the_database_refuses_changes(audit: Audit, database: Database, statement: str) -> None:
    with pytest.raises(DatabaseError, match="only ever added"):
        async with database.begin() as connection:
            await connection.execute(text(statement))
    assert await audit.verify()


async def tampered(audit: Audit, database: Database, statement: str) -> bool:
    async with database.begin() as connection:
        for one in (*UNGUARD[database.is_postgres], statement.replace(":", "\\:")):
            await connection.execute(text(one))
    return not await audit.verify()


@pytest.mark.parametrize("statement", TAMPERING)
async def test_a_broken_chain_is_noticed(audit: Audit, database: Database, statement: str) -> None:
    assert await tampered(audit, database, statement)


async def test_sabotage_audit_chain_is_noticed(database: Database) -> None:
    with sabotage("audit_chain"):
        audit = Audit(database)
        await audit.record(None, "owner", "x", "y")
        with pytest.raises(DatabaseError):  # the same hash twice
            await audit.record(None, "owner", "x", "z")
        assert not await tampered(audit, database, TAMPERING[0].replace("id=2", "id=1"))
