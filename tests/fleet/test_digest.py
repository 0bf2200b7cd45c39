"""A digest is made of leaves; backups from before there were any are still known."""

from __future__ import annotations

import hashlib

from tests.fleet.test_recompute import history
from wattledger.store import Store
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
