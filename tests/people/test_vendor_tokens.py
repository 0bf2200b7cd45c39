"""Vendor tokens: one generation after another, refreshes noted and found again, warnings told once."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime

import pytest
from sqlalchemy import select, text

from tests.people.test_connections import VENDOR, connections, made
from tests.turning import TurningClock
from wattledger.errors import LoginRequired, NotFound, TryLater
from wattledger.store.database import Database
from wattledger.store.sources.connections import Connections
from wattledger.store.tables import connection as table

__all__ = ["connections"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine: both are asked where loops refresh side by side."""
    return sqlite_url


async def notes(database: Database) -> dict[str, datetime | None]:
    """When each connection's refresh began."""
    async with database.connect() as connection:
        rows = await connection.execute(select(table.c.id, table.c.refresh_started_at))
        return {row.id: row.refresh_started_at for row in rows}


async def test_each_save_is_the_next_generation(connections: Connections, database: Database) -> None:
    row, other = await made(connections, database), await made(connections, database)
    async with connections.token(row.id) as slot:
        assert (slot.generation, slot.current, slot.unfinished) == (0, None, False)
        for generation, token in enumerate(({"access": "canary-1"}, {"access": "canary-2"}), start=1):
            await slot.begin()
            await slot.save(token)
            assert (slot.generation, slot.current, slot.unfinished) == (generation, token, False)
        assert repr(slot) == f"SealedSlot(id={row.id!r}, generation=2, unfinished=False)"
    async with connections.token(row.id) as slot:
        assert (slot.generation, slot.current, slot.unfinished) == (2, {"access": "canary-2"}, False)
    async with connections.token(other.id) as slot:
        assert (slot.generation, slot.current) == (0, None)
    async with database.connect() as connection:
        assert "canary" not in str((await connection.scalars(text("SELECT token FROM connection"))).all())
    with pytest.raises(NotFound):
        async with connections.token("0" * 32):
            pass


async def test_an_older_generation_is_never_saved(connections: Connections, database: Database) -> None:
    row = await made(connections, database)
    async with connections.token(row.id) as slot:
        await connections.save_token(row.id, {"access": "faster"}, seen=0)
        for seen in (0, 2):
            with pytest.raises(TryLater):
                await connections.save_token(row.id, {"access": "late"}, seen=seen)
        with pytest.raises(TryLater):
            await slot.save({"access": "late"})
        assert (slot.generation, slot.current) == (0, None)
    async with connections.token(row.id) as slot:
        assert (slot.generation, slot.current) == (1, {"access": "faster"})


async def test_a_refresh_is_noted_until_it_is_over(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    row, other = await made(connections, database), await made(connections, database)
    async with connections.token(row.id) as slot:
        await slot.end()
        await slot.begin()
        assert slot.unfinished
    assert await notes(database) == {row.id: clock.now(), other.id: None}
    async with connections.token(row.id) as slot:
        assert slot.unfinished
        await slot.end()
        assert not slot.unfinished
        assert await notes(database) == {row.id: None, other.id: None}
        await slot.begin()
        await slot.save({"access": "x"})
    assert await notes(database) == {row.id: None, other.id: None}


async def test_a_warning_is_new_where_no_later_one_was_noted(
    connections: Connections, database: Database
) -> None:
    row, other = await made(connections, database), await made(connections, database)
    told = [await connections.warned(row.id, mark) for mark in ("2026-03", "2026-03", "2026-02", "2026-04")]
    assert told == [True, False, False, True]
    assert await connections.warned(other.id, "2026-01")
    assert not await connections.warned("0" * 32, "2026-09")


async def test_what_a_dead_process_left_is_found_and_held(
    connections: Connections, database: Database
) -> None:
    first, second, held, stopped, _ = [await made(connections, database) for _ in range(5)]
    foreign = await made(connections, database, "another_vendor")
    for one in await connections.claim(5, [VENDOR]):
        if one.id == stopped.id:
            await connections.settle(one.id, one.lease, LoginRequired("Sign in."))
    for row in (first, second, held, stopped, foreign):
        await connections.note_refresh(row.id, begins=True)
    left, found = {first.id, second.id}, []
    async with database.exclusive(f"token-{held.id}"), aclosing(connections.abandoned([VENDOR])) as rows:
        async for id in rows:
            found.append(id)
            async with database.attempt(f"token-{id}") as free:
                assert not free
            for other in left - {id}:  # ends meanwhile
                await connections.note_refresh(other, begins=False)
    assert len(found) == 1 and set(found) < left


async def test_what_is_looked_for_is_every_refresh_left(connections: Connections, database: Database) -> None:
    rows = [await made(connections, database) for _ in range(3)]
    for row in rows:
        await connections.note_refresh(row.id, begins=True)
    async with aclosing(connections.abandoned([VENDOR])) as left:
        assert {id async for id in left} == {row.id for row in rows}
    async with aclosing(connections.abandoned(["another_vendor"])) as left:
        assert [id async for id in left] == []
