"""A digest is made of leaves; backups from before there were any are still known."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.fleet.test_recompute import history
from tests.store.test_backup import filled
from wattledger.store import Store
from wattledger.store.archive import backup as archive
from wattledger.store.ledger.digest import digest, earlier, leaves


async def test_parts_strung_together_are_the_whole(store: Store, site: str) -> None:
    empty = await store.digest()
    assert empty == hashlib.sha256().hexdigest()
    await history(store, site)
    points = sorted((p.external_id, p.n) for p in await store.points.list())
    async with store.connect() as connection:
        parts = [await leaves(connection, some) for some in (points[:2], points[2:], [])]
    assert hashlib.sha256(b"".join(parts)).hexdigest() == await store.digest() != empty
    assert await digest(store.database, "no such site") == empty


async def test_the_earlier_word_is_another_and_changes_too(store: Store, site: str) -> None:
    empty = await earlier(store.database)
    await history(store, site)
    word = await earlier(store.database)
    assert len({word, empty, await store.digest()}) == 3
    await store.replay()
    assert await earlier(store.database) == word


async def test_a_backup_that_names_the_earlier_word_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await filled(tmp_path / "a")
    word = await store.digest()
    with monkeypatch.context() as then:
        then.setattr(archive, "digest", earlier)
        await archive.backup(store, tmp_path / "a", tmp_path / "home.tar")
    await store.close()
    (tmp_path / "b").mkdir()
    assert await archive.restore(tmp_path / "home.tar", tmp_path / "b") == word
