"""Large bodies in a bucket, as in a folder. Needs TEST_OBJECTS_URL (s3://...) and the provider's variables.

Any server that speaks S3 will do:

    TEST_OBJECTS_URL=s3://wattledger AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ALLOW_HTTP=true \
    AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1 pytest tests/store/test_bucket.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.store.fake import block, file, parse
from tests.store.test_backup import NOISE

from wattledger.errors import NotFound, TryLater
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.backup import backup, restore
from wattledger.store.archive.objects import Bucket, open_objects
from wattledger.store.archive.scrub import scrub

BUCKET = os.environ.get("TEST_OBJECTS_URL", "")
pytestmark = pytest.mark.skipif(not BUCKET, reason="TEST_OBJECTS_URL names no bucket")


async def opened(data: Path, objects: str | None = BUCKET) -> Store:
    data.mkdir(exist_ok=True)
    url = f"sqlite:///{data / 'wattledger.db'}"
    return await open_store(url, data=data, parse=parse, vault=Vault({}), objects=objects)


async def test_bytes_go_in_and_come_out(tmp_path: Path) -> None:
    found = open_objects(BUCKET, tmp_path)
    assert isinstance(found, Bucket)
    await found.put("payloads/aa/b", b"one")
    await found.put("payloads/aa/b", b"two", replace=True)
    assert await found.get("payloads/aa/b") == b"two"
    with pytest.raises(NotFound):
        await found.get("payloads/aa/none")


async def test_the_same_home_in_a_bucket_and_in_a_folder(tmp_path: Path) -> None:
    words = []
    for name, objects in (("bucket", BUCKET), ("folder", None)):
        store = await opened(tmp_path / name, objects)
        site = (await store.sites.default()).id
        sent = file(block(20000, [7] * 96), noise=NOISE)
        assert not (await store.payloads.deliver(site, sent)).duplicate
        assert (await store.payloads.deliver(site, sent)).duplicate
        assert await store.payloads.body(1) == sent.body
        assert not (await scrub(store)).problems
        words += [await store.digest(), (await store.replay()).digest]
        await store.close()
    assert len(set(words)) == 1
    assert not (tmp_path / "bucket/objects").exists()


async def test_a_backup_holds_what_lies_in_the_bucket(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a")
    site = (await store.sites.default()).id
    await store.payloads.deliver(site, file(block(20000, [7] * 96), noise=NOISE))
    await backup(store, tmp_path / "a", tmp_path / "home.tar")
    word = await store.digest()
    await store.close()
    (tmp_path / "b").mkdir()
    assert await restore(tmp_path / "home.tar", tmp_path / "b", objects=BUCKET) == word
    again = await opened(tmp_path / "b")
    assert NOISE.encode() in await again.payloads.body(1)
    await again.close()


async def test_no_bucket_is_try_later(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a", "s3://no-such-bucket-of-ours")
    site = (await store.sites.default()).id
    with pytest.raises(TryLater):
        await store.payloads.deliver(site, file(block(20000, [7] * 96), noise=NOISE))
    assert await store.payloads.list() == []
    await store.close()
