"""Registers in the ledger: verdicts, booked energy, and the same ledger whatever way it was reached."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.store.fake import CHICAGO, file, parse

from wattledger.faults import sabotage
from wattledger.model import Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.observed.observations import ObservationRow

DEVICE = "device/main"
NIGHT = datetime(2025, 6, 2, 3, 30, tzinfo=UTC)
"""an hour and a half before local midnight"""


def report(minutes: float, wh: float | str, delta: float | None = None, **more: Any) -> dict[str, Any]:
    """A report of a register at some minutes after NIGHT."""
    at = NIGHT + timedelta(minutes=minutes)
    values = {"register_wh": str(wh), "register": "r", "report_end": at.isoformat(), **more}
    if delta is not None:
        values["delta_wh"] = str(delta)
    return {"at": at.isoformat(), "values": values}


def poll(*observations: dict[str, Any], point: str = DEVICE) -> Payload:
    return file(points=[point], source=Source.POLL, observations=list(observations), tz=CHICAGO)


async def rows(store: Store, point: str = DEVICE) -> Sequence[ObservationRow]:
    found = await store.points.by_external(point)
    return await store.observations.list(found, NIGHT - timedelta(days=400), NIGHT + timedelta(days=400))


async def verdicts(store: Store) -> list[tuple[str | None, str | None]]:
    return [(row.verdict, row.booked_wh) for row in await rows(store)]


async def total(store: Store) -> int:
    point = await store.points.by_external(DEVICE)
    return (await store.energy.coverage(point, Flow.DELIVERED)).total_wh


async def test_every_report_has_its_verdict_and_books_its_energy(store: Store, site: str) -> None:
    for one in (
        report(0, 1000, 7),
        report(5, 1040, 40),
        report(10, 1100, 30),
        report(60, 1099),
        report(65, 1300),
    ):
        await store.payloads.deliver(site, poll(one))
    assert await verdicts(store) == [
        ("baseline", "0"),
        ("ok", "40"),
        ("gap", "60"),
        ("suspect", "0"),
        ("healed", "200"),
    ]
    assert await total(store) == 300


async def test_energy_is_cut_at_local_midnight(store: Store, site: str) -> None:
    await store.payloads.deliver(site, poll(report(60, 0.5)))
    await store.payloads.deliver(site, poll(report(120, 100.5)))
    point = await store.points.by_external(DEVICE)
    days = await store.energy.days(point.id, Flow.DELIVERED, 20240, 20243)
    assert [(day.total_wh, day.found) for day in days] == [(50, 2), (50, 2)]


async def test_a_repeat_changes_nothing_and_is_not_stored(store: Store, site: str) -> None:
    for one in (report(0, 1000), report(5, 1040), report(5, 1040), report(5, 1040)):
        await store.payloads.deliver(site, poll(one))
    assert len(await rows(store)) == 2
    assert await total(store) == 40


async def test_part_of_what_was_said_is_a_repeat_too(store: Store, site: str) -> None:
    await store.payloads.deliver(site, poll(report(0, 1000, temperature_c=21.5)))
    await store.payloads.deliver(site, poll(report(0, 1000)))
    assert len(await rows(store)) == 1
    point = await store.points.by_external(DEVICE)
    latest = (await store.observations.latest([point]))[point.n]
    assert latest["temperature_c"].value == 21.5
    assert latest["register_wh"].at == NIGHT


async def test_replay_reaches_the_same_ledger_and_verdicts(store: Store, site: str) -> None:
    for minute in range(0, 300, 7):
        await store.payloads.deliver(site, poll(report(minute, 1000 + minute * 3.3)))
    before, said = await store.digest(), await verdicts(store)
    assert (await store.replay()).digest == before
    assert await verdicts(store) == said


async def test_withdrawing_a_report_gives_its_energy_to_the_next(store: Store, site: str) -> None:
    done = [
        await store.payloads.deliver(site, poll(one))
        for one in (report(0, 1000), report(5, 1040), report(10, 1100, 60))
    ]
    await store.payloads.withdraw(done[1].id, site, "owner")
    assert await verdicts(store) == [("baseline", "0"), ("gap", "100")]
    assert await total(store) == 100
    await store.payloads.withdraw(done[2].id, site, "owner")
    await store.payloads.withdraw(done[0].id, site, "owner")
    assert await rows(store) == []
    assert await total(store) == 0


async def test_another_zone_moves_the_days_and_keeps_the_sum(store: Store, site: str) -> None:
    await store.payloads.deliver(site, poll(report(60, 0.5)))
    await store.payloads.deliver(site, poll(report(120, 100.5)))
    point = await store.points.by_external(DEVICE)
    await store.points.set_timezone(point.id, "UTC")
    days = await store.energy.days(point.id, Flow.DELIVERED, 20240, 20243)
    assert [(day.day, day.total_wh) for day in days] == [(20241, 100)]


async def test_meters_beside_devices_are_left_alone(store: Store, site: str) -> None:
    from tests.store.fake import block

    await store.payloads.deliver(
        site, file(block(20000, [7, 8]), observations=[{"at": NIGHT.isoformat(), "values": {"x": 1}}])
    )
    await store.payloads.deliver(site, poll(report(0, 1000)))
    before = await store.digest()
    assert (await store.replay()).digest == before


async def late(store: Store, site: str) -> None:
    """Three reports, the second of which is read last: its reader died and another one took over."""
    first, second, third = poll(report(0, 1000)), poll(report(5, 1040)), poll(report(10, 1100))
    await store.payloads.deliver(site, first)
    archive = store.payloads._archive
    assert await archive.add(site, second, await store.bodies.place(second))
    await store.payloads.deliver(site, third)
    async with store.begin() as connection:
        await connection.execute(text("UPDATE payload SET leased_until = NULL WHERE state = 'stored'"))
    assert await store.payloads.read_orphans() == 1


async def test_a_payload_that_is_read_late_counts_where_it_belongs(store: Store, site: str) -> None:
    await late(store, site)
    assert await verdicts(store) == [("baseline", "0"), ("ok", "40"), ("ok", "60")]
    digest = await store.digest()
    assert (await store.replay()).digest == digest


async def test_sabotage_register_recompute_is_noticed(store: Store, site: str) -> None:
    with sabotage("register_recompute"):
        await late(store, site)
    assert await verdicts(store) != [("baseline", "0"), ("ok", "40"), ("ok", "60")]
    said = await verdicts(store)
    await store.replay()
    assert await verdicts(store) != said


def _moves() -> st.SearchStrategy[list[tuple[int, int, int | None]]]:
    """(minutes since the report before, change of the register, delta) with everything that can go wrong."""
    minutes = st.sampled_from([5, 5, 5, 0, -5, 15, 200, 1500])
    change = st.one_of(st.integers(0, 900), st.sampled_from([-5000, -10, 0, 50_000, 3]))
    return st.lists(st.tuples(minutes, change, st.one_of(st.none(), st.integers(0, 900))), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=_moves(), together=st.integers(1, 4))
def test_step_by_step_and_whole_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    moves: list[tuple[int, int, int | None]],
    together: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("steps")
    copy(sqlite_template, folder / "x.db")

    async def work() -> None:
        store = await open_store(f"sqlite:///{folder}/x.db", data=folder, parse=parse, vault=Vault({}))
        try:
            await _deliver(store, moves, together)
            before, said = await store.digest(), await _all(store)
            assert (await store.replay()).digest == before
            assert await _all(store) == said
        finally:
            await store.close()

    asyncio.run(work())


async def _deliver(store: Store, moves: list[tuple[int, int, int | None]], together: int) -> None:
    site, minute, wh, reports = (await store.sites.default()).id, 0, 5000, []
    for minutes, change, delta in moves:
        minute, wh = minute + minutes, max(0, wh + change)
        reports.append(report(minute, f"{wh}.4", delta))
    for start in range(0, len(reports), together):
        await store.payloads.deliver(site, poll(*reports[start : start + together]))


async def _all(store: Store) -> list[Any]:
    if not await store.points.list(None):
        return []
    return [(r.at, r.values, r.verdict, r.booked_wh, r.payload) for r in await rows(store)]
