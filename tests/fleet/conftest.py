"""A store over the toy parser, and a filled installation, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.world import World, fill
from tests.store.conftest import clock, site, store

__all__ = ["clock", "site", "store"]


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A ledger of 211 meters; its address is in the environment, as a worker finds it."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    made = World(database_url, tmp_path / "data")
    made.run(fill)
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs that start many processes are tried on SQLite each time, on PostgreSQL by the long harness."""
    for item in items:
        if item.path.name in {"test_runs.py", "test_s3.py"} and "[postgres]" in item.name:
            item.add_marker(pytest.mark.soak)
