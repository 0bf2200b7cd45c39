"""A replay's copy of the ledger's tables, and the swap."""

# ruff: noqa: S608 - only our own table names are put into statements

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import ForeignKeyConstraint, MetaData, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from wattledger import localday
from wattledger.store.database import Database
from wattledger.store.ledger.bulk import LEDGER, REPLAY
from wattledger.store.observed.many import many
from wattledger.store.tables import energy_day, energy_superseded, observation, usage_point

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


async def carry(
    connection: AsyncConnection, payload: int, points: Iterable[int], zones: Mapping[str, str]
) -> None:
    """Stage what was read of a sealed payload before, as no key here opens it: its observations stay.

    `zones` by external id, for usage points whose zone is being changed.
    """
    query = (
        select(observation, usage_point.c.external_id, usage_point.c.timezone)
        .join(usage_point, usage_point.c.n == observation.c.usage_point)
        .where(observation.c.payload == payload)
        .order_by(observation.c.usage_point, observation.c.at)
    )
    for chosen in chunks(points):
        found = await connection.execute(query.where(observation.c.usage_point.in_(chosen)))
        rows = [dict(row) for row in found.mappings()]
        for row in rows:
            row["day"] = localday.today(row["at"], zones.get(row["external_id"], row["timezone"]))
        if rows:
            await many(connection).insert(connection, REPLAY.observation, rows)


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
