"""The list of payloads, usage points, and large bodies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.fake import RECEIVED, block, file
from tests.store.test_backup import NOISE
from tests.store.test_deliver import a_site

from wattledger.errors import NotFound, Refused
from wattledger.model import Payload, Source, Wrapping
from wattledger.store import Claims, Store
from wattledger.store.archive.objects import Bucket, Folder, key_of, open_objects

METER = "10443720001234567"


async def test_the_list_is_newest_first_and_filtered(store: Store, site: str) -> None:
    await store.payloads.deliver(site, file(block(20000, [1]), name="Adhoc_100%.csv"))
    await store.payloads.deliver(site, file(block(20001, [1]), name="other.csv", source=Source.UPLOAD))
    await store.payloads.deliver(
        site, file(block(20002, [1]), points=["9" * 17], name="third", connector="x")
    )

    async def ids(**filters: object) -> list[int]:
        return [row.id for row in await store.payloads.list(site, **filters)]  # type: ignore[arg-type]

    assert await ids() == [3, 2, 1]
    assert await ids(limit=1) == [3]
    assert await ids(before=3) == [2, 1]
    assert await ids(source="upload") == [2]
    assert await ids(connector="x") == [3]
    assert await ids(text="adhoc_100%") == [1]
    assert await ids(text="_100%x") == []
    assert await ids(external_id=METER) == [2, 1]
    assert await store.payloads.list("nobody") == []


async def test_a_row_says_everything_but_the_bytes(store: Store, site: str) -> None:
    wrapped = (Wrapping("pgp", "x.asc", "ab" * 32),)
    said = Payload("toy", Source.RELAY, b"?", RECEIVED, "x.csv", "text/csv", {"etag": "1"}, wrapped)
    receipt = await store.payloads.deliver(site, said)
    row = await store.payloads.get(receipt.id, site)
    assert (row.filename, row.mime, row.size, row.received_at) == ("x.csv", "text/csv", 1, RECEIVED)
    assert (row.headers, row.wrapped_in) == (
        {"etag": "1"},
        [{"kind": "pgp", "name": "x.asc", "sha256": "ab" * 32}],
    )
    assert row.storage_path == f"payloads/{row.sha256[:2]}/{row.sha256[2:]}"


async def test_another_sites_payload_looks_like_none(store: Store, site: str) -> None:
    other = await a_site(store, "f" * 32)
    receipt = await store.payloads.deliver(site, file(block(20000, [1])))
    for ask in (store.payloads.get, store.payloads.body, store.payloads.reread):
        with pytest.raises(NotFound):
            await ask(receipt.id, other)
    same = await store.payloads.deliver(other, file(block(20000, [1])))
    assert not same.duplicate


async def test_large_bodies_leave_the_database(store: Store, site: str, tmp_path: Path) -> None:
    payload = file(block(20000, [1] * 96), noise=NOISE)
    receipt = await store.payloads.deliver(site, payload)
    stored = tmp_path / "data/objects" / key_of(payload.sha256)
    assert stored.is_file()
    assert await store.payloads.body(receipt.id, site) == payload.body
    weight = await store.payloads.weight(site)
    assert (weight.bodies, weight.plain_bytes, weight.stored_bytes) == (
        1,
        len(payload.body),
        stored.stat().st_size,
    )
    assert (await store.payloads.weight("nobody")).bodies == 0
    stored.unlink()
    with pytest.raises(NotFound, match="restore"):
        await store.payloads.body(receipt.id, site)


async def test_buckets_and_folders(tmp_path: Path) -> None:
    for url in ("memory:///", None, f"file://{tmp_path}/a", str(tmp_path / "b")):
        objects = open_objects(url, tmp_path)
        assert isinstance(objects, Bucket if url == "memory:///" else Folder)
        key = key_of("ab" * 32)
        with pytest.raises(NotFound):
            await objects.get(key)
        for _ in range(2):
            await objects.put(key, b"body")
        assert await objects.get(key) == b"body"


async def test_a_contradicting_claim_becomes_a_note(store: Store, site: str) -> None:
    receipt = await store.payloads.deliver(site, file(block(20000, [1])), claims=Claims("1" * 17))
    assert "1" * 17 in receipt.summary.notes[0]
    again = await store.payloads.deliver(site, file(block(20000, [1])), claims=Claims(METER))
    assert again.summary.notes == []


async def test_usage_points_are_renamed_and_assigned(store: Store, site: str) -> None:
    other = await a_site(store, "f" * 32)
    await store.payloads.deliver(site, file(block(20000, [1])))
    (point,) = await store.points.list(site)
    assert (await store.points.rename(point.id, " Barn ", site)).name == "Barn"
    for bad in ("", " ", "x" * 201):
        with pytest.raises(Refused):
            await store.points.rename(point.id, bad)
    with pytest.raises(NotFound):
        await store.points.rename(point.id, "Mine", other)
    assert (await store.points.assign(METER, other)).site == other
    assert await store.points.list(site) == []
    for missing in ((METER, "nowhere"), ("1", other)):
        with pytest.raises(NotFound):
            await store.points.assign(*missing)
    with pytest.raises(Refused):
        await store.points.set_timezone(point.id, "Mars/Olympus")


def test_alembic_is_not_imported_for_a_current_database(sqlite_url: str) -> None:
    code = (
        "import asyncio, sys; from wattledger.store.database import Database;"
        "from wattledger.store.migrate import migrate;"
        f"assert not asyncio.run(migrate(Database({sqlite_url!r})));"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
