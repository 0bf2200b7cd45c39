"""Kinds of columns that mean the same on both engines."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    Text,
    TypeDecorator,
)

from wattledger.errors import Refused

_UNHELD = re.compile("[\0\ud800-\udfff]")


class Words(TypeDecorator[str]):
    """Text without NUL and lone surrogates, which PostgreSQL cannot hold. Raises Refused for them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and _UNHELD.search(value):
            raise Refused("Text must not hold NUL or half characters.", "BAD_TEXT", status=422)
        return value


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("instants must be aware")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BIG = BigInteger().with_variant(Integer, "sqlite")


def public_id() -> Column[str]:
    """The id by which the outside names a row."""
    return Column("id", Words, primary_key=True)


def reference(name: str, target: str, **options: Any) -> Column[Any]:
    """The id of a row of another table (`table.id`)."""
    return Column(name, Words, ForeignKey(target), **{"nullable": False, **options})


def words(name: str, **options: Any) -> Column[Any]:
    """A text."""
    return Column(name, Words, **{"nullable": False, **options})


def count(name: str, **options: Any) -> Column[Any]:
    """A number that begins at 0."""
    return Column(name, Integer, nullable=False, server_default="0", **options)


def at(name: str, **options: Any) -> Column[Any]:
    """An instant."""
    return Column(name, Instant, **{"nullable": False, **options})


def document(name: str, default: str = "{}") -> Column[Any]:
    """A JSON document, an empty object by default."""
    return Column(name, JSON, nullable=False, server_default=default)
