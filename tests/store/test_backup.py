"""Backup, restore and scrub."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from tests.store.fake import block, file, parse

from wattledger.errors import BadPayload, Refused
from wattledger.faults import sabotage
from wattledger.secrets import Vault
from wattledger.store import Corrupt, Store, open_store
from wattledger.store.archive.backup import backup, restore
from wattledger.store.archive.scrub import scrub

NOISE = random.Random(1).randbytes(400_000).hex()


async def home(folder: Path) -> Store:
    url = f"sqlite:///{folder / 'wattledger.db'}"
    return await open_store(url, data=folder, parse=parse, vault=Vault({}))


async def filled(folder: Path) -> Store:
    store = await home(folder)
    site = (await store.sites.default()).id
    await store.payloads.deliver(site, file(block(20000, [1] * 96), block(20001, [2] * 96)))
    await store.payloads.deliver(site, file(block(20002, [3] * 96), noise=NOISE))
    return store


async def test_what_was_backed_up_comes_back(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a")
    before, target = await store.digest(), tmp_path / "home.tar"
    await backup(store, tmp_path / "a", target)
    with pytest.raises(Refused):
        await backup(store, tmp_path / "a", target)
    await store.close()
    (tmp_path / "b").mkdir()
    assert await restore(target, tmp_path / "b") == before
    again = await home(tmp_path / "b")
    assert await again.digest() == before
    assert NOISE.encode() in await again.payloads.body(2)
    with pytest.raises(Refused):
        await restore(target, tmp_path / "b")
    assert (await again.replay()).digest == before
    await again.close()


async def test_a_backup_is_not_laid_beside_the_database_that_is_used(tmp_path: Path) -> None:
    store, target = await filled(tmp_path / "a"), tmp_path / "home.tar"
    before = await store.digest()
    await backup(store, tmp_path / "a", target)
    await store.close()
    (tmp_path / "b").mkdir()
    with pytest.raises(Refused, match="another file"):
        await restore(target, tmp_path / "b", url=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert await restore(target, tmp_path / "b", url=f"sqlite:///{tmp_path / 'b/wattledger.db'}") == before


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
async def test_a_damaged_backup_changes_nothing(tmp_path: Path, place: float) -> None:
    store = await filled(tmp_path / "a")
    target = tmp_path / "home.tar"
    await backup(store, tmp_path / "a", target)
    await store.close()
    raw = bytearray(target.read_bytes())
    raw[int(len(raw) * place)] ^= 1
    target.write_bytes(raw)
    (tmp_path / "b").mkdir()
    with pytest.raises(BadPayload):
        await restore(target, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


async def test_sabotage_restore_check_is_noticed(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a")
    target = tmp_path / "home.tar"
    await backup(store, tmp_path / "a", target)
    await store.close()
    raw = bytearray(target.read_bytes())
    raw[-20_000] ^= 1
    target.write_bytes(raw)
    (tmp_path / "b").mkdir()
    with sabotage("restore_check"):
        await restore(target, tmp_path / "b")
    again = await home(tmp_path / "b")
    assert (await scrub(again)).problems
    await again.close()


async def test_a_flipped_bit_is_an_error_never_other_bytes(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a")
    assert not (await scrub(store)).problems
    _spoil(tmp_path / "a")
    for id in (1, 2):
        with pytest.raises(Corrupt):
            await store.payloads.body(id)
    report = await scrub(store)
    assert (report.bodies, report.days, len(report.problems)) == (2, 3, 2)
    await store.close()


async def test_sabotage_sha_check_is_noticed(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a")
    sound = await store.payloads.body(2)
    _spoil(tmp_path / "a")
    with sabotage("sha_check"):
        assert await store.payloads.body(2) != sound
    await store.close()


async def test_the_scrub_recounts_days(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a")
    with sqlite3.connect(tmp_path / "a/wattledger.db") as raw:
        raw.execute("UPDATE energy_day SET total_wh = total_wh + 1 WHERE day = 20001")
    raw.close()
    (problem,) = (await scrub(store)).problems
    assert "2024-10-05" in problem
    assert "193 Wh, 192 counted" in problem
    await store.close()


def _spoil(folder: Path) -> None:
    """Flip a bit of each archived body: one in the database, one in a file."""
    with sqlite3.connect(folder / "wattledger.db") as raw:
        ((data,),) = raw.execute("SELECT data FROM body WHERE data IS NOT NULL")
        changed = bytearray(data)
        changed[len(changed) // 2] ^= 4
        raw.execute("UPDATE body SET data = ? WHERE data IS NOT NULL", (bytes(changed),))
    raw.close()
    (large,) = (p for p in (folder / "objects").rglob("*") if p.is_file())
    content = bytearray(large.read_bytes())
    content[1000] ^= 4
    large.write_bytes(content)
