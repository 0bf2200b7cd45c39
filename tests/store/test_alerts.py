"""Alerts as they are kept, on both databases: opened once, closed when cured, told once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.fake import StillClock

from wattledger.errors import NotFound
from wattledger.faults import sabotage
from wattledger.insight.alerts import Alert, Kind
from wattledger.secrets import Vault
from wattledger.store import Store
from wattledger.store.alerts.alerts import AlertRow
from wattledger.store.alerts.telling import LEASE, PAUSES, Event
from wattledger.store.alerts.ways import Hook, Hooks

MINUTE = timedelta(minutes=1)


def trouble(name: str, now: datetime, level: str = "caution", sure: bool = True) -> Alert:
    return Alert(Kind.GAP, name, level, f"Gap {name}", now, "A day.", "Ask.", "/gaps", sure)  # type: ignore[arg-type]


async def names(store: Store, site: str | None) -> list[str]:
    return sorted(row.subject for row in await store.alerts.open(site))


async def test_found_opens_and_cured_closes(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    changes = await store.alerts.reconcile(site, now, [trouble("a", now), trouble("b", now)])
    assert len(changes.opened) == 2
    assert not await store.alerts.reconcile(site, now + MINUTE, [trouble("a", now), trouble("b", now)])
    changes = await store.alerts.reconcile(site, now + 2 * MINUTE, [trouble("b", now)])
    assert [row.subject for row in changes.closed] == ["a"]
    assert await names(store, site) == ["b"]
    (row,) = await store.alerts.closed(site)
    assert (row.subject, row.closed_at) == ("a", now + 2 * MINUTE)
    again = await store.alerts.reconcile(site, now + 3 * MINUTE, [trouble("a", now), trouble("b", now)])
    assert [one.subject for one in again.opened] == ["a"]
    assert again.opened[0].id != row.id


async def test_what_nobody_is_sure_of_keeps_but_opens_nothing(
    store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    unsure = trouble("a", now, "bad", sure=False)
    assert not await store.alerts.reconcile(site, now, [unsure])
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    assert not await store.alerts.reconcile(site, now, [unsure])
    assert await names(store, site) == ["a"]


async def test_what_others_judge_is_left(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now), trouble("b", now)])
    await store.alerts.reconcile(site, now, [], keep=lambda row: row.subject == "a")
    assert await names(store, site) == ["a"]


async def test_another_site_sees_none_of_it(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    other = (await store.sites.add("Other", "America/Denver", None, "tests")).id
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    await store.alerts.reconcile(other, now, [])
    assert (await names(store, site), await names(store, other)) == (["a"], [])


async def test_many_who_find_the_same_open_one(store: Store, site: str, clock: StillClock) -> None:
    now, known = clock.now(), await store.alerts.open(site)
    look = [trouble("a", now), trouble("b", now)]
    await asyncio.gather(*(store.alerts.reconcile(site, now, look, known=known) for _ in range(6)))
    assert await names(store, site) == ["a", "b"]


async def test_sabotage_alert_once_is_noticed(store: Store, site: str, clock: StillClock) -> None:
    now, known = clock.now(), await store.alerts.open(site)
    with sabotage("alert_once"):
        for _ in range(2):
            await store.alerts.reconcile(site, now, [trouble("a", now)], known=known)
        assert await names(store, site) == ["a", "a"]
        assert len([*await store.telling.claim(now), *await store.telling.claim(now)]) > 2


async def test_sabotage_alert_close_is_noticed(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    with sabotage("alert_close"):
        await store.alerts.reconcile(site, now, [])
        assert await names(store, site) == ["a"]
    await store.alerts.reconcile(site, now, [])
    assert await names(store, site) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=st.lists(st.sets(st.sampled_from("abcde")), min_size=1, max_size=8))
async def test_what_is_open_is_what_was_found_last(
    looks: list[set[str]], store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    for n, look in enumerate(looks):
        for _ in range(2):
            await store.alerts.reconcile(site, now + n * MINUTE, [trouble(name, now) for name in look])
        assert await names(store, site) == sorted(look)


async def due(store: Store, now: datetime) -> Sequence[Event]:
    return await store.telling.claim(now)


async def test_an_event_is_told_by_one_and_once(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    claimed = await asyncio.gather(*(due(store, now) for _ in range(5)))
    (event,) = [one for events in claimed for one in events]
    assert event.name == "opened"
    await store.telling.told(event, {"mail"}, failed=False, now=now)
    assert await due(store, now + timedelta(days=2)) == []
    await store.alerts.reconcile(site, now + MINUTE, [])
    (over,) = await due(store, now + MINUTE)
    assert (over.name, set(over.began)) == ("closed", {"mail"})
    await store.telling.told(over, {"mail"}, failed=False, now=now)
    assert await due(store, now + timedelta(days=2)) == []


async def test_who_dies_while_telling_leaves_it_to_the_next(
    store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    assert len(await due(store, now)) == 1
    assert await due(store, now + LEASE - MINUTE) == []
    assert len(await due(store, now + LEASE)) == 1


async def test_what_fails_is_tried_again_for_a_day_by_the_way_that_failed(
    store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    for pause in PAUSES:
        (event,) = await due(store, now)
        await store.telling.told(event, {"mail"}, failed=True, now=now)
        assert await due(store, now + pause - MINUTE / 2) == []
        now += pause
    (event,) = await due(store, now)
    assert event.done == {"mail"}
    await store.telling.told(event, set(), failed=True, now=now)
    assert await due(store, now + timedelta(days=9)) == []
    assert sum(PAUSES, timedelta()) >= timedelta(hours=18)


async def test_what_was_over_before_anybody_was_told_is_not_told(
    store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    await store.alerts.reconcile(site, now, [])
    assert await due(store, now + timedelta(days=1)) == []


async def test_the_end_waits_for_a_beginning_that_is_on_its_way(
    store: Store, site: str, clock: StillClock
) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    (event,) = await due(store, now)
    await store.alerts.reconcile(site, now, [])
    assert await due(store, now) == []
    await store.telling.told(event, {"webhook"}, failed=False, now=now)
    (over,) = await due(store, now + LEASE)
    assert (over.name, set(over.began)) == ("closed", {"webhook"})


async def test_what_gets_worse_is_told_anew(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now)])
    (event,) = await due(store, now)
    await store.telling.told(event, {"mail"}, failed=False, now=now)
    changed = await store.alerts.reconcile(site, now, [replace(trouble("a", now), text="Other words.")])
    assert len(changed.updated) == 1
    assert await due(store, now) == []
    await store.alerts.reconcile(site, now, [trouble("a", now, "bad")])
    (event,) = await due(store, now)
    assert (event.name, event.alert.level, len(event.done)) == ("worse", "bad", 0)


async def test_old_ones_are_forgotten(store: Store, site: str, clock: StillClock) -> None:
    now = clock.now()
    await store.alerts.reconcile(site, now, [trouble("a", now), trouble("b", now)])
    await store.alerts.reconcile(site, now, [trouble("b", now)])
    assert await store.alerts.prune(now + timedelta(days=90)) == 0
    assert await store.alerts.prune(now + timedelta(days=91)) == 1
    assert await names(store, None) == ["b"]


async def test_a_webhook_is_sealed(store: Store, site: str) -> None:
    hooks = Hooks(store.database, Vault({"k": b"k" * 32}))
    hook = Hook("https://example.org/a", "the-secret-of-the-hook")
    await hooks.set(site, hook, "tests")
    assert await hooks.get(site) == hook
    async with store.connect() as connection:
        kept = (await connection.exec_driver_sql("SELECT webhook FROM site")).scalar()
    assert "example.org" not in str(kept)
    assert "hook" not in str(kept)
    assert "the-secret" not in repr(hook)
    await hooks.set(site, None, "tests")
    assert await hooks.get(site) is None
    with pytest.raises(NotFound):
        await hooks.get("nowhere")


def test_rows_know_since_when() -> None:
    when = datetime.fromisoformat("2026-07-15T21:00:00+00:00")
    said = {"since": when.isoformat()}
    row = AlertRow("i", "s", "gap", "a", "bad", said, when, when, None, None, None, 0, {}, None)
    assert row.since == when
