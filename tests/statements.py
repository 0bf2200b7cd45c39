"""Compiled statements, shared by all databases of a test process: each would compile the same ones anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from wattledger.store import database


class _Shared(LRUCache[Any, Any]):
    """Keyed by the kind of dialect instead of an engine's own; those of one kind are all set up alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_kind(key), default)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_kind(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_kind(key), value)


def _kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    return type(dialect), *rest


def share() -> None:
    """From now on every `Database` finds what another one has compiled."""
    compiled = _Shared(5_000)

    def engine(*args: Any, **options: Any) -> AsyncEngine:
        made = create_async_engine(*args, **options)
        made.sync_engine._compiled_cache = compiled
        return made

    database.create_async_engine = engine  # type: ignore[attr-defined, unused-ignore]
