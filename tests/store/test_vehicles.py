"""Vehicles: linked by a grant, bound to their site, one of them the first; calls counted, schedules kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.store.fake import RECEIVED, StillClock, file, parse

from wattledger.errors import LoginRequired, Misconfigured, NotFound, Refused, TryLater
from wattledger.faults import sabotage
from wattledger.model import Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.people.sites import Home

ALL = ("a", "b", "c")


@pytest.fixture
async def store(database_url: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Store]:
    opened = await open_store(
        database_url, data=tmp_path / "data", parse=parse, vault=Vault({"k": b"k" * 32}), clock=clock
    )
    async with opened.begin() as connection:
        for statement in _ROWS:
            await connection.execute(text(statement))
    yield opened
    await opened.close()


_ROWS = (
    "INSERT INTO site (id, name, timezone, created_at) VALUES ('other', 'B', 'UTC', '2025-01-01')",
    "INSERT INTO person (id, email, created_at) VALUES ('p', 'a@b.c', '2025-01-01')",
)


async def grant(store: Store, site: str, *cars: str) -> str:
    """A connection whose vendor named these vehicles; their usage points exist."""
    row = await store.connections.create(site, "toy", {}, {"word": "canary"}, token={"access": "canary"})
    told = [{"p": i, "at": RECEIVED.isoformat(), "values": {"soc_pct": i}} for i, _ in enumerate(cars)]
    await store.payloads.deliver(
        site, file(points=cars, source=Source.POLL, kind="vehicle", observations=told)
    )
    await store.vehicles.link(row.id, site, "p", cars)
    return row.id


async def names(store: Store, site: str, *, active_only: bool = True) -> list[str]:
    return [row.external_id for row in await store.vehicles.list(site, active_only=active_only)]


async def test_a_grant_brings_its_vehicles_and_the_first_is_primary(store: Store, site: str) -> None:
    id = await grant(store, site, *ALL)
    first, *others = await store.vehicles.list(site)
    assert (first.external_id, first.primary, first.active, first.connection) == ("a", True, True, id)
    assert (first.person, first.options, first.status, first.calls) == ("p", {}, {}, 0)
    assert [row.primary for row in others] == [False, False]
    assert await store.vehicles.primary(site) == first
    assert await store.vehicles.get(first.id, site) == first
    found = await store.vehicles.by_external("b")
    assert found is not None and found.site == site
    assert await store.vehicles.by_external("unknown") is None


async def test_a_new_grant_takes_over_what_it_names_and_leaves_the_rest(store: Store, site: str) -> None:
    old = await grant(store, site, *ALL)
    new = await grant(store, site, "b", "c")
    assert {row.external_id: row.connection for row in await store.vehicles.list(site)} == {
        "a": old, "b": new, "c": new
    }  # fmt: skip
    await store.vehicles.link(new, site, "p", ["c"])
    assert await names(store, site) == ["a", "c"]
    gone = await store.vehicles.list(site)
    assert [(row.external_id, row.connection) for row in gone if not row.active] == [("b", None)]
    assert await store.vehicles.by_external("b") is None


async def test_the_primary_goes_on_to_another(store: Store, site: str) -> None:
    await grant(store, site, *ALL)
    second = (await store.vehicles.list(site))[1]
    await store.vehicles.make_primary(second.id, site)
    assert (await names(store, site))[0] == "b"
    await store.vehicles.unlink(second.id, site)
    assert [(row.external_id, row.primary) for row in await store.vehicles.list(site)] == [
        ("a", True), ("c", False), ("b", False)
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await store.vehicles.make_primary(second.id, site)


async def test_another_sites_vehicle_is_never_rebound(store: Store, site: str) -> None:
    mine = await grant(store, site, "a")
    theirs = await grant(store, "other", "a", "z")
    assert await store.vehicles.foreign("other", ["a", "z", "unknown"]) == {"a"}
    assert await names(store, "other") == ["z"]
    (row,) = await store.vehicles.list(site)
    await store.connections.disconnect(mine, site, "owner")
    assert await store.vehicles.link(theirs, "other", None, ["a", "z"]) == await store.vehicles.list("other")
    assert await names(store, "other") == ["z"] and await names(store, site) == []
    for attempt in (
        store.vehicles.get(row.id, "other"),
        store.vehicles.unlink(row.id, "other"),
        store.vehicles.make_primary(row.id, "other"),
        store.vehicles.set_options(row.id, "other", {"location": False}),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_sabotage_foreign_refused_is_noticed(store: Store, site: str) -> None:
    await grant(store, site, "a")
    with sabotage("foreign_refused"):
        await grant(store, "other", "a")
    assert (await store.vehicles.list(site))[0].connection in {
        row.id for row in await store.connections.list("other")
    }


async def test_options_are_changed_one_by_one(store: Store, site: str) -> None:
    await grant(store, site, "a")
    (row,) = await store.vehicles.list(site)
    await store.vehicles.set_options(row.id, site, {"location": False})
    changed = await store.vehicles.set_options(row.id, site, {"capacity_kwh": 75.0}, by="me")
    assert changed.options == {"location": False, "capacity_kwh": 75.0}
    newest = (await store.audit.list(1))[0]
    assert (newest.actor, newest.subject, newest.details) == (
        "me", f"vehicle:{row.id}", {"names": ["capacity_kwh"]}
    )  # fmt: skip


async def held(store: Store, id: str) -> str:
    claimed = await store.connections.claim_one(id)
    assert claimed is not None
    return claimed.lease


async def test_calls_are_counted_by_month(store: Store, site: str, clock: StillClock) -> None:
    id = await grant(store, site, "a", "b")
    lease = await held(store, id)
    assert await store.vehicles.spend(id, lease, "a", 4) == 4
    assert await store.vehicles.spend(id, lease, "a", 3) == 7
    assert [one.calls for one in await store.vehicles.known(id)] == [7, 0]
    clock.at = clock.at.replace(month=7, day=1, hour=0)
    assert [one.calls for one in await store.vehicles.known(id)] == [0, 0]
    assert (await store.vehicles.list(site))[0].calls == 0
    assert await store.vehicles.spend(id, lease, "a", 1) == 1
    row = (await store.vehicles.list(site))[0]
    assert (row.calls, row.month) == (1, "2025-07")


async def test_many_at_once_lose_no_call(store: Store, site: str) -> None:
    id = await grant(store, site, "a")
    lease = await held(store, id)
    sums = await asyncio.gather(*(store.vehicles.spend(id, lease, "a", 1) for _ in range(20)))
    assert sorted(sums) == list(range(1, 21))


async def test_sabotage_spend_first_is_noticed(store: Store, site: str) -> None:
    id = await grant(store, site, "a")
    with sabotage("spend_first"):
        await store.vehicles.spend(id, await held(store, id), "a", 4)
    assert [one.calls for one in await store.vehicles.known(id)] == [0]


async def test_only_the_holder_counts_and_schedules(store: Store, site: str, clock: StillClock) -> None:
    id = await grant(store, site, "a")
    lost = await held(store, id)
    clock.pass_by(minutes=2)
    lease = await held(store, id)
    at = clock.now() + timedelta(hours=1)
    with pytest.raises(TryLater):
        await store.vehicles.spend(id, lost, "a", 1)
    assert not await store.vehicles.schedule(id, lost, "a", at)
    with pytest.raises(NotFound):
        await store.vehicles.spend(id, lease, "z", 1)
    assert await store.vehicles.schedule(id, lease, "a", at, firm=True, status={"missing": ["/x"]})
    assert await store.vehicles.schedule(id, lease, "a", at + timedelta(hours=1))
    (one,) = await store.vehicles.known(id)
    assert (one.due, one.firm, one.status, one.calls) == (
        at + timedelta(hours=1), False, {"missing": ["/x"]}, 0
    )  # fmt: skip
    assert one.latest["soc_pct"] == (0, RECEIVED)
    with sabotage("lease_fence"):
        assert await store.vehicles.spend(id, lost, "a", 1) == 1  # what the fence prevents


async def test_signing_in_again_forgets_what_was_noted_but_no_pause(store: Store, site: str) -> None:
    id = await grant(store, site, "a", "b")
    lease, at = await held(store, id), RECEIVED + timedelta(days=9)
    await store.vehicles.spend(id, lease, "a", 9)
    for car, firm in (("a", True), ("b", False)):
        await store.vehicles.schedule(id, lease, car, at, firm=firm, status={"trouble": "x"})
    await store.vehicles.link(id, site, "p", ["a", "b"])
    a, b = await store.vehicles.known(id)
    assert (a.due, a.firm, a.status, a.calls) == (at, True, {}, 9)
    assert (b.due, b.firm, b.status, b.calls) == (None, False, {}, 0)


async def test_disconnected_nothing_secret_is_left_and_history_is(store: Store, site: str) -> None:
    id = await grant(store, site, "a")
    lease = await held(store, id)
    await store.connections.disconnect(id, site, "me@home")
    row = await store.connections.get(id, site)
    assert (row.state, row.next_poll_at) == ("disconnected", None)
    async with store.connect() as connection:
        cells = (await connection.execute(text("SELECT token, secrets, lease FROM connection"))).one()
    assert tuple(cells) == (None, None, None)
    assert not await store.connections.settle(id, lease, None)
    assert await names(store, site) == [] and await names(store, site, active_only=False) == ["a"]
    point = await store.points.by_external("a")
    assert await store.observations.list(point, RECEIVED, RECEIVED + timedelta(1))
    assert (await store.audit.list(1))[0].actor == "me@home"
    assert await store.connections.claim_one(id) is None
    assert not await store.connections.stop(id, site, LoginRequired("x"))
    with pytest.raises(Refused):
        await store.connections.resume(id, site)
    await store.connections.resume(id, site, {"word": "new"}, {"access": "new"})
    await store.vehicles.link(id, site, "p", ["a"])
    assert await names(store, site) == ["a"] and (await store.connections.claim(1, ["toy"]))[0].id == id
    with pytest.raises(NotFound):
        await store.connections.disconnect(id, "other", "me")


async def test_what_a_vendor_tells_stops_a_connection_in_anybodys_hands(store: Store, site: str) -> None:
    id = await grant(store, site, "a")
    lease = await held(store, id)
    assert await store.connections.stop(id, site, LoginRequired("Sign in anew."))
    row = await store.connections.get(id, site)
    assert (row.state, row.last_error, row.leased_until) == ("needs_login", "Sign in anew.", None)
    assert not await store.connections.settle(id, lease, None)
    assert not await store.connections.stop(id, "other", LoginRequired("x"))


async def test_a_home_is_sealed_for_its_site(store: Store, site: str, database_url: str) -> None:
    assert await store.sites.home(site) is None
    home = Home(30.267, -97.743, 120.0)
    await store.sites.set_home(site, home, by="me")
    assert await store.sites.home(site) == home
    async with store.connect() as connection:
        kept = await connection.scalar(text(f"SELECT home FROM site WHERE id = '{site}'"))
    assert str(kept).startswith("v1|k|") and "30.2" not in str(kept)
    assert "30.2" not in repr(await store.audit.list(5))
    for wrong in (Home(91, 0), Home(0, 181), Home(float("nan"), 0), Home(0, 0, 5), Home(0, 0, 1e9)):
        with pytest.raises(Refused):
            await store.sites.set_home(site, wrong)
    await store.sites.set_home(site, None)
    assert await store.sites.home(site) is None
    with pytest.raises(NotFound):
        await store.sites.set_home("unknown", home)
    with pytest.raises(NotFound):
        await store.sites.home("unknown")


async def test_without_a_key_no_home_is_kept(database_url: str, tmp_path: Path) -> None:
    store = await open_store(database_url, data=tmp_path, parse=parse, vault=Vault({}))
    with pytest.raises(Misconfigured):
        await store.sites.set_home((await store.sites.default()).id, Home(1, 2))
    await store.close()


async def test_views_show_vehicles_without_places_and_secrets(store: Store, site: str) -> None:
    await grant(store, site, "a", "b")
    async with store.connect() as connection:
        accounts = (await connection.execute(text("SELECT * FROM vehicle_accounts ORDER BY 4"))).mappings()
        told = (await connection.execute(text("SELECT * FROM vehicle_telemetry ORDER BY 3"))).mappings()
        first, second = accounts.all()
        rows = told.all()
    assert list(first) == [
        "id", "user_id", "provider", "provider_vehicle_id", "display_name", "is_active", "is_primary",
        "created_at", "updated_at", "site",
    ]  # fmt: skip
    assert (first["user_id"], first["provider"], first["provider_vehicle_id"]) == ("p", "toy", "a")
    assert (bool(first["is_primary"]), bool(second["is_primary"]), first["site"]) == (True, False, site)
    assert list(rows[0]) == ["vehicle_account_id", "recorded_at", "soc_pct", "charging_state"]
    assert [row["soc_pct"] for row in rows] == [0, 1] and rows[0]["vehicle_account_id"] == first["id"]
