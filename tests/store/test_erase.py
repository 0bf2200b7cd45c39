"""Deleting everything of a site: all of it goes, nothing of another site, and an interruption is mended."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.store.fake import StillClock, block, file, parse
from tests.store.test_crash import Home
from tests.store.test_deliver import METER, a_site

from wattledger.errors import NotFound
from wattledger.faults import arm, kill_at, sabotage
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.archive.objects import Folder, key_of
from wattledger.store.tables import body, metadata, observation, payload

DAY, OTHER, THEIRS = 20240, "f" * 32, "9" * 17
LEFT = {"site", "person", "membership", "session", "audit", "heartbeat", "erased_meter"}
SEEN = {"p": 0, "at": "2025-06-01T10:00:00Z", "values": {"temperature_c": 21}}


def upload(wh: int, *, points: tuple[str, ...] = (METER,), more: str = "", days: int = 1) -> Payload:
    blocks = [block(DAY + d, [wh] * 96, rev=1, p=p) for p in range(len(points)) for d in range(days)]
    return file(*blocks, points=points, source=Source.UPLOAD, more=more)


async def counts(store: Store) -> dict[str, int]:
    async with store.connect() as c:
        return {
            t.name: await c.scalar(select(func.count()).select_from(t)) or 0 for t in metadata.sorted_tables
        }


async def furnish(store: Store, site: str) -> None:
    """Files with a correction, a device, a connection, a token, an invitation, a home's choices."""
    await store.payloads.deliver(site, upload(5))
    await store.payloads.deliver(site, file(block(DAY, [7] * 96, rev=2)))
    device = file(points=("unit",), kind="appliance", observations=[SEEN], source=Source.POLL)
    await store.payloads.deliver(site, device)
    await store.connections.create(site, "smartthings", {}, {})
    await store.people.add_user("owner@example.org")
    await store.people.api_token("owner@example.org", "tests", site)
    await store.people.invite(site, "guest@example.org", "member", "tests")
    await store.sites.choose(site, "tests", price={"per_kwh": 0.1})


async def test_everything_of_a_site_goes_and_the_site_stays(store: Store, site: str) -> None:
    await furnish(store, site)
    done = await store.erase.site(site, "person 1")
    assert {name: n for name, n in (await counts(store)).items() if n and name not in LEFT} == {}
    assert (done.payloads, done.points, done.connections, done.kept) == (3, 2, 1, 0)
    assert (await store.sites.get(site)).choices == {}
    assert [row.action for row in await store.audit.list(2, site=site)] == ["site.erased", "site.erasing"]
    assert await store.audit.verify() and await store.erase.unfinished() == []


async def test_an_erased_site_begins_anew(store: Store, site: str) -> None:
    await furnish(store, site)
    await store.erase.site(site, "me")
    again = await store.payloads.deliver(site, upload(5))
    assert (again.duplicate, again.summary.accepted) == (False, 96)
    await _replays_alike(store)


async def test_nothing_of_another_site_is_touched(store: Store, site: str) -> None:
    await a_site(store, OTHER)
    await store.payloads.deliver(OTHER, upload(3, points=(THEIRS,)))
    await store.connections.create(OTHER, "smartthings", {}, {})
    before = await store.digest(OTHER), await counts(store)
    await furnish(store, site)
    await store.erase.site(site, "me")
    now = await counts(store)
    assert await store.digest(OTHER) == before[0]
    assert {n: now[n] for n in now if n not in LEFT} == {n: before[1][n] for n in now if n not in LEFT}


async def test_bytes_that_another_site_received_too_stay(store: Store, site: str, tmp_path: Path) -> None:
    await a_site(store, OTHER)
    noise, large = b"no table of ours", os.urandom(400_000)
    for body_ in (noise, large):
        both = Payload("toy", Source.UPLOAD, body_, store.database.clock.now(), "x")
        for place in (site, OTHER):
            await store.payloads.deliver(place, both)
    assert isinstance(store.objects, Folder)
    path = store.objects.root / key_of(both.sha256)
    await store.erase.site(site, "me")
    rows = await store.payloads.list(OTHER)
    assert {await store.payloads.body(row.id) for row in rows} == {noise, large} and path.exists()
    await store.erase.site(OTHER, "me")
    assert not path.exists() and (await counts(store))["body"] == 0


async def test_a_large_body_that_went_meanwhile_is_brought_again(store: Store, site: str) -> None:
    large = Payload("toy", Source.UPLOAD, os.urandom(400_000), store.database.clock.now(), "x")
    packed = await store.bodies.place(large)
    await store.objects.remove(key_of(large.sha256))
    await store.bodies.assure(large, packed)
    assert await store.objects.has(key_of(large.sha256))


async def shared_file(store: Store, site: str) -> Payload:
    """A relay's file with a meter of each of two sites, and one with the other site's meter alone."""
    await a_site(store, OTHER)
    await store.payloads.deliver(OTHER, upload(3, points=(THEIRS,)))
    both = file(block(DAY + 1, [4] * 96), block(DAY + 1, [6] * 96, p=1), points=(METER, THEIRS))
    await store.payloads.deliver(site, both)
    await store.payloads.deliver(site, file(block(DAY + 2, [8] * 96), points=(THEIRS,)))
    return both


async def test_a_file_on_which_another_home_rests_stays_unread(store: Store, site: str) -> None:
    both = await shared_file(store, site)
    word = await store.digest(OTHER)
    done = await store.erase.site(site, "me")
    assert (done.kept, await store.digest(OTHER)) == (2, word)
    await store.replay()
    assert [p.external_id for p in await store.points.list(None)] == [THEIRS]
    assert await store.digest(OTHER) == word
    await store.payloads.deliver(site, upload(9))
    await _replays_alike(store)
    (kept,) = [row for row in await store.payloads.list(None) if row.sha256 == both.sha256]
    await store.payloads.reread(kept.id)
    assert (await store.payloads.get(kept.id)).summary["rejected"] == 96
    point = await store.points.by_external(METER)
    assert (await store.energy.coverage(point, 1)).found == 96  # type: ignore[arg-type]


async def test_a_relays_file_of_one_home_goes_with_it_wherever_it_lies(store: Store, site: str) -> None:
    await shared_file(store, site)
    await store.erase.site(OTHER, "me")
    assert [p.external_id for p in await store.points.list(None)] == [METER]
    assert len(await store.payloads.list(None)) == 1
    await store.replay()
    assert [p.external_id for p in await store.points.list(None)] == [METER]


async def test_what_is_read_meanwhile_goes_too(store: Store, site: str, monkeypatch: Any) -> None:
    await store.payloads.deliver(site, upload(5))
    last = store.erase._last
    came: list[Any] = []

    async def slow(*args: Any) -> bool:
        if not came:
            came.append(await store.payloads.deliver(site, upload(6, more="later")))
        return await last(*args)

    monkeypatch.setattr(store.erase, "_last", slow)
    assert (await store.erase.site(site, "me")).payloads == 2
    assert await store.payloads.list(None) == [] and await store.points.list(None) == []


async def test_an_unknown_site_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.erase.site("0" * 32, "me")


@pytest.mark.parametrize("count", [1, 2, 4, 6, 8])
def test_killed_in_the_middle_it_goes_on(database_url: str, tmp_path: Path, count: int) -> None:
    home = Home(database_url, tmp_path / "data")
    asyncio.run(_fill(home))
    child = os.fork()
    if not child:
        try:
            arm("hub.erase_step", kill_at(count))
            asyncio.run(_erase(home))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    asyncio.run(_mended(home))


async def _fill(home: Home) -> None:
    store = await home.open()
    site = (await store.sites.default()).id
    await a_site(store, OTHER)
    await store.payloads.deliver(OTHER, upload(3, points=(THEIRS,)))
    for n in range(120):
        await store.payloads.deliver(site, upload(n, more=str(n)))
    await store.payloads.deliver(
        site, Payload("toy", Source.UPLOAD, os.urandom(400_000), StillClock().at, "x")
    )
    await store.close()


async def _erase(home: Home) -> None:
    store = await home.open()
    await store.erase.site((await store.sites.default()).id, "me")


async def _mended(home: Home) -> None:
    store = await home.open()
    site = (await store.sites.default()).id
    assert await store.erase.unfinished() == [(site, "me")]
    word = await store.digest(OTHER)
    assert await store.erase.resume() == 1 and await store.erase.unfinished() == []
    assert {row.site for row in await store.payloads.list(None)} == {OTHER}
    assert await store.digest(OTHER) == word != await store.digest(site)
    async with store.connect() as c:
        named = select(func.count()).select_from(body.outerjoin(payload, payload.c.sha256 == body.c.sha256))
        assert await c.scalar(named.where(payload.c.id.is_(None))) == 0
        assert await c.scalar(select(func.count()).select_from(observation)) == 0
    assert isinstance(store.objects, Folder)
    assert [p for p in store.objects.root.rglob("*") if p.is_file()] == []
    await store.close()


async def _replays_alike(store: Store) -> None:
    word = await store.digest()
    assert (await store.replay()).digest == word


async def test_sabotage_erase_scope_is_noticed(store: Store, site: str) -> None:
    with sabotage("erase_scope"), pytest.raises(AssertionError):
        await test_nothing_of_another_site_is_touched(store, site)


async def test_sabotage_erased_stays_is_noticed(store: Store, site: str) -> None:
    with sabotage("erased_stays"), pytest.raises(AssertionError):
        await test_a_file_on_which_another_home_rests_stays_unread(store, site)


async def test_a_cloud_bucket_forgets_too(tmp_path: Path) -> None:
    folder = tmp_path / "bucket"
    folder.mkdir()
    url, data = f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "data"
    store = await open_store(url, data=data, parse=parse, vault=Vault({}), objects="memory:///")
    site = (await store.sites.default()).id
    large = Payload("toy", Source.UPLOAD, os.urandom(400_000), store.database.clock.now(), "x")
    await store.payloads.deliver(site, large)
    assert await store.objects.has(key_of(large.sha256))
    await store.erase.site(site, "me")
    assert not await store.objects.has(key_of(large.sha256))
    await store.close()
