"""Key rotation: seals everything that is sealed anew with the newest key, a batch a transaction.

Processes go on meanwhile. What one of them seals behind our back with the older key is found in the next
pass. A value that no key here opens stays as it is and is named; all others are moved. Killed in the middle,
some values have the new key and the rest the old one: both open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound
from wattledger.faults import fault
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.archive.bodies import SEALED
from wattledger.store.archive.bodies import cell as body_cell
from wattledger.store.archive.objects import Objects, key_of
from wattledger.store.database import Database
from wattledger.store.observed.sealing import cell as observation_cell
from wattledger.store.tables import body, connection, observation, site

BATCH = 100
PASSES = 5
Cell = dict[str, str]


@dataclass(slots=True)
class Resealed:
    """How many values moved to the newest key, and a sentence for each that no key here opens."""

    moved: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed values; `cell` says to what a row's value is bound, from its primary key."""

    column: Column[Any]
    cell: Callable[..., Cell]

    @property
    def table(self) -> Table:
        """The column's table."""
        table: Table = self.column.table
        return table

    @property
    def key(self) -> list[Column[Any]]:
        """The columns that tell one row from another."""
        return list(self.table.primary_key)

    @property
    def binary(self) -> bool:
        """Whether the sealed text is kept as bytes."""
        return self.column is body.c.data


def _named(table: str, column: str) -> Callable[[str], Cell]:
    return lambda row: {"table": table, "row": row, "column": column}


PLACES = (
    Place(connection.c.secrets, _named("connection", "secrets")),
    Place(connection.c.token, _named("connection", "token")),
    Place(site.c.home, _named("site", "home")),
    Place(site.c.webhook, _named("site", "webhook")),
    Place(observation.c.sealed, observation_cell),
    Place(body.c.data, body_cell),
)


async def reseal(database: Database, vault: Vault, objects: Objects) -> Resealed:
    """Move every sealed value to the newest key."""
    total = Resealed()
    for _ in range(PASSES):
        one = Resealed()
        for place in PLACES:
            await _column(database, vault, place, one)
        await _objects(database, vault, objects, one)
        total.moved, total.unreadable = total.moved + one.moved, one.unreadable
        if not one.moved:
            break
    return total


async def _column(database: Database, vault: Vault, place: Place, done: Resealed) -> None:
    after: Sequence[Any] | None = None
    while True:

        async def batch(c: AsyncConnection, after: Sequence[Any] | None = after) -> _Batch:
            return await _batch(c, vault, place, after)

        found = await database.transact(batch)
        done.moved, after = done.moved + found.moved, found.last
        done.unreadable += found.unreadable
        fault("keys.after_batch")
        if after is None:
            return


@dataclass(slots=True)
class _Batch:
    moved: int = 0
    unreadable: list[str] = field(default_factory=list)
    last: Sequence[Any] | None = None
    """the key of the last row looked at; None after the last row of all"""


async def _batch(c: AsyncConnection, vault: Vault, place: Place, after: Sequence[Any] | None) -> _Batch:
    wanted = select(*place.key, place.column.label("sealed")).where(*_older(vault, place))
    if after is not None:
        wanted = wanted.where(_beyond(place, after))
    query = wanted.order_by(*place.key).limit(BATCH).with_for_update(of=place.table)
    rows = (await c.execute(query)).all()
    found, changes = _Batch(), []
    for row in rows:
        key = row[: len(place.key)]
        try:
            changes.append({**_at(place, key), "fresh": _fresh(vault, place, row)})
        except SecretUnreadable as error:
            found.unreadable.append(str(error))
    if changes:
        await c.execute(_CHANGE[place.column], changes)
    found.moved = len(changes)
    found.last = rows[-1][: len(place.key)] if len(rows) == BATCH else None
    return found


def _older(vault: Vault, place: Place) -> list[ColumnElement[bool]]:
    """Rows whose value is there and not sealed with the newest key."""
    current: str | bytes = vault.current.encode() if place.binary else vault.current
    head = func.substr(place.column, 1, len(current))
    older = [place.column.is_not(None), head != bindparam("current", current, place.column.type)]
    return [body.c.codec == SEALED, *older] if place.binary else older


def _beyond(place: Place, after: Sequence[Any]) -> ColumnElement[bool]:
    known = [bindparam(None, value, column.type) for column, value in zip(place.key, after, strict=True)]
    beyond: ColumnElement[bool] = tuple_(*place.key) > tuple_(*known)
    return beyond


def _fresh(vault: Vault, place: Place, row: Any) -> str | bytes:
    sealed = row.sealed.decode("ascii", "replace") if place.binary else row.sealed
    fresh = vault.reseal(sealed, **place.cell(*row[: len(place.key)]))
    return fresh.encode() if place.binary else fresh


def _at(place: Place, key: Sequence[Any]) -> dict[str, Any]:
    return {f"of_{column.name}": value for column, value in zip(place.key, key, strict=True)}


def _change(place: Place) -> Any:
    mine = [column == bindparam(f"of_{column.name}", type_=column.type) for column in place.key]
    return update(place.table).where(*mine).values({place.column.name: bindparam("fresh")})


_CHANGE = {place.column: _change(place) for place in PLACES}


async def _objects(database: Database, vault: Vault, objects: Objects, done: Resealed) -> None:
    """Large private bodies outside the database: each is replaced as a whole, so that one always opens."""
    query = select(body.c.sha256).where(body.c.codec == SEALED, body.c.data.is_(None))
    async with database.connect() as c:
        names = list(await c.scalars(query.order_by(body.c.sha256)))
    for sha256 in names:
        try:
            sealed = (await objects.get(key_of(sha256))).decode("ascii", "replace")
            if vault.is_current(sealed):
                continue
            fresh = vault.reseal(sealed, **body_cell(sha256))
        except (SecretUnreadable, NotFound) as error:
            done.unreadable.append(str(error))
            continue
        await objects.put(key_of(sha256), fresh.encode(), replace=True)
        done.moved += 1
