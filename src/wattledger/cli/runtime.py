"""Wiring: settings, then vault, then store. Every command that touches the data folder begins here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wattledger import connectors
from wattledger.clock import Clock, SystemClock
from wattledger.config import Settings, database_url, load_settings
from wattledger.errors import Misconfigured
from wattledger.secrets import Vault, load_vault
from wattledger.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Runtime:
    """One opened installation."""

    settings: Settings
    vault: Vault
    store: Store
    clock: Clock


@asynccontextmanager
async def opened(
    data: Path | None, *, settings: Settings | None = None, clock: Clock | None = None
) -> AsyncIterator[Runtime]:
    """The installation of a data folder, closed at the end. Raises Misconfigured."""
    settings = settings or load_settings(data)
    clock = clock or SystemClock()
    make_folder(settings.data)
    vault = load_vault(settings, create=True)
    store = await open_store(
        database_url(settings),
        data=settings.data,
        parse=connectors.parse,
        vault=vault,
        clock=clock,
        objects=settings.objects,
    )
    try:
        yield Runtime(settings, vault, store, clock)
    finally:
        await store.close()


def make_folder(path: Path) -> None:
    """Make the data folder, readable by its owner alone. Raises Misconfigured where that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(
            f"WATTLEDGER_DATA: the data folder {path} cannot be made: {error.strerror}. "
            "Give another one with --data."
        ) from None
