"""A replay's copy of the ledger's tables, and the swap."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from sqlalchemy import ForeignKeyConstraint, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from wattledger.store.database import Database
from wattledger.store.ledger.bulk import LEDGER, REPLAY
from wattledger.store.tables import energy_day, energy_superseded, observation

_PAIRS = (
    (energy_day, LEDGER.day, REPLAY.day),
    (energy_superseded, LEDGER.superseded, REPLAY.superseded),
    (observation, LEDGER.observation, REPLAY.observation),
)
_CHUNK = 500


@asynccontextmanager
async def open_staging(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection with empty temporary tables that are gone afterwards."""
    async with database.session() as connection:
        async with database.writing(connection):
            for table, _, copy in _PAIRS:
                await connection.execute(text(f"DROP TABLE IF EXISTS {copy}"))
                await connection.execute(CreateTable(_temporary(table, copy)))
        try:
            yield connection
        finally:
            async with database.writing(connection):
                for _, _, copy in _PAIRS:
                    await connection.execute(text(f"DROP TABLE IF EXISTS {copy}"))


async def swap(connection: AsyncConnection, points: Iterable[int]) -> None:
    """Put the staged rows of these usage points in the place of the ledger's."""
    for chosen in chunks(points):
        numbers = ", ".join(map(str, chosen))
        for table, ledger, copy in _PAIRS:
            names = ", ".join(f'"{column.name}"' for column in table.c)
            await connection.execute(text(f"DELETE FROM {ledger} WHERE usage_point IN ({numbers})"))
            await connection.execute(
                text(
                    f"INSERT INTO {ledger} ({names}) SELECT {names} FROM {copy}"
                    f" WHERE usage_point IN ({numbers})"
                )
            )


def _temporary(table: Table, name: str) -> Table:
    copy = table.to_metadata(MetaData(naming_convention={"pk": f"pk_{name}"}), name=name)
    copy._prefixes = ["TEMPORARY"]
    for key in [c for c in copy.constraints if isinstance(c, ForeignKeyConstraint)]:
        copy.constraints.discard(key)  # a temporary table may not refer to a lasting one
    return copy


def chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Some hundred at a time, in order: what one statement may name."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
