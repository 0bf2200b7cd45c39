"""A hub or worker whose loop has died does not go on as if nothing were: it ends, and is started anew."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from wattledger.cli.collector import collecting
from wattledger.cli.runtime import opened
from wattledger.config import Settings
from wattledger.faults import sabotage


async def _ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the process was told to end once its reader had failed."""

    async def fail(_limit: int) -> int:
        raise RuntimeError("a fault of our own")

    stop = asyncio.Event()
    settings = Settings.model_validate({"WATTLEDGER_DATA": str(tmp_path)})
    async with opened(None, settings=settings) as runtime:
        monkeypatch.setattr(runtime.store.payloads, "read_orphans", fail)
        with pytest.raises(RuntimeError, match="of our own"):
            async with collecting(runtime, stop):
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 3)
                told = stop.is_set()
    return told


async def test_a_dead_loop_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _ends(tmp_path, monkeypatch)


async def test_sabotage_loops_watched_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sabotage("loops_watched"):
        assert not await _ends(tmp_path, monkeypatch)
