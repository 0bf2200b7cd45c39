"""Cars in the ledger: what was charged at home, and the same ledger whatever way it was reached."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.store.fake import CHICAGO, StillClock, file, parse

from wattledger.faults import sabotage
from wattledger.model import Flag, Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.people.sites import Home

Values = dict[str, Any]
CAR = "car-1"
NIGHT = datetime(2025, 6, 2, 3, 30, tzinfo=UTC)
"""an hour and a half before local midnight"""
HERE = {"latitude": 30.2672, "longitude": -97.7431}
THERE = {"latitude": 30.4000, "longitude": -97.7431}
CHARGING: Values = {"charging_state": "CHARGING", "plugged_in": True}
FULL: Values = {"charging_state": "FULLY_CHARGED", "plugged_in": True}
AWAY: Values = {"charging_state": "NOT_CHARGING", "plugged_in": False}


@pytest.fixture
async def store(database_url: str, tmp_path: Any, clock: StillClock) -> Any:
    vault = Vault({"test": b"k" * 32})
    opened = await open_store(database_url, data=tmp_path / "data", parse=parse, vault=vault, clock=clock)
    yield opened
    await opened.close()


def said(minutes: float, where: dict[str, float] | None = HERE, **values: Any) -> dict[str, Any]:
    at = NIGHT + timedelta(minutes=minutes)
    return {"at": at.isoformat(), "values": values, "private": where or {}}


def poll(*observations: dict[str, Any]) -> Payload:
    return file(
        points=[CAR],
        kind="vehicle",
        source=Source.POLL,
        observations=list(observations),
        tz=CHICAGO,
        private=True,
        connector="toy",
    )


NIGHT_AT_HOME = (
    said(0, soc_pct=40, energy_added_wh=9000, **AWAY),
    said(30, soc_pct=45, energy_added_wh=3000, **CHARGING),
    said(60, soc_pct=51, energy_added_wh=6500, **CHARGING),
    said(120, soc_pct=61, energy_added_wh=13500, **FULL),
    said(600, THERE, soc_pct=55, energy_added_wh=13500, odometer_km=20, **AWAY),
    said(630, THERE, soc_pct=70, energy_added_wh=11000, **CHARGING),
)


async def told(store: Store, site: str, *observations: dict[str, Any], home: bool = True) -> None:
    if home:
        await store.sites.set_home(site, Home(HERE["latitude"], HERE["longitude"]))
    for one in observations:
        await store.payloads.deliver(site, poll(one))


async def total(store: Store) -> int:
    point = await store.points.by_external(CAR)
    return (await store.energy.coverage(point, Flow.DELIVERED)).total_wh


async def verdicts(store: Store) -> list[tuple[str | None, str | None]]:
    point = await store.points.by_external(CAR)
    rows = await store.observations.list(point, NIGHT - timedelta(days=9), NIGHT + timedelta(days=9))
    return [(row.verdict, row.booked_wh) for row in rows]


async def link(store: Store, site: str) -> str:
    """A row of the car beside its usage point."""
    made = await store.connections.create(site, "toy", {}, {})
    await store.vehicles.link(made.id, site, None, [CAR])
    return (await store.points.by_external(CAR)).id


async def test_what_was_charged_at_home_is_energy(store: Store, site: str) -> None:
    await told(store, site, *NIGHT_AT_HOME)
    assert await total(store) == 13_500
    assert await verdicts(store) == [
        ("parked", "0"),
        ("begin", "3000"),
        ("charging", "3500"),
        ("end", "7000"),
        ("moved", "0"),
        ("begin", "0"),
    ]
    point = await store.points.by_external(CAR)
    days = await store.energy.days(point.id, Flow.DELIVERED, 20240, 20243)
    assert [day.total_wh for day in days] == [10_000, 3500]


async def test_state_of_charge_is_derived_energy(store: Store, site: str) -> None:
    await told(store, site, said(0, soc_pct=40, capacity_kwh=60, **AWAY), said(30, soc_pct=49, **CHARGING))
    point = await store.points.by_external(CAR)
    (day,) = await store.energy.days(point.id, Flow.DELIVERED, 20240, 20243)
    assert day.total_wh == 6000
    assert set(day.flags[day.values > 0].tolist()) == {int(Flag.DERIVED)}


async def test_without_a_home_nothing_is_booked_until_there_is_one(store: Store, site: str) -> None:
    await told(store, site, *NIGHT_AT_HOME, home=False)
    assert await total(store) == 0
    await store.sites.set_home(site, Home(HERE["latitude"], HERE["longitude"]))
    assert await total(store) == 13_500
    await store.sites.set_home(site, None)
    assert await total(store) == 0


async def test_sabotage_charge_new_home_is_noticed(store: Store, site: str) -> None:
    await told(store, site, *NIGHT_AT_HOME, home=False)
    with sabotage("charge_new_home"):
        await store.sites.set_home(site, Home(HERE["latitude"], HERE["longitude"]))
    assert await total(store) == 0


async def test_the_cars_own_word_counts_where_no_position_is(store: Store, site: str) -> None:
    plain = [{**one, "private": {}} for one in NIGHT_AT_HOME]
    for one in plain:
        one["values"] = {**one["values"], "at_home": "odometer_km" not in one["values"]}
    await told(store, site, *plain[:5], home=False)
    assert await total(store) == 13_500


async def test_an_owners_capacity_and_efficiency_count_at_once(store: Store, site: str) -> None:
    await told(store, site, said(0, soc_pct=40, capacity_kwh=60, **AWAY), said(30, soc_pct=49, **CHARGING))
    car = await link(store, site)
    await store.vehicles.set_options(car, site, {"capacity_kwh": 50, "efficiency": 1.0})
    assert await total(store) == 4500
    await store.vehicles.set_options(car, site, {"location": False})
    assert await total(store) == 4500


async def test_a_repeat_changes_nothing(store: Store, site: str) -> None:
    await told(store, site, *NIGHT_AT_HOME)
    before = await store.digest()
    await told(store, site, *NIGHT_AT_HOME, home=False)
    assert await store.digest() == before
    assert len(await verdicts(store)) == len(NIGHT_AT_HOME)


@pytest.mark.parametrize("order", [(0, 2, 1, 3, 4, 5), (5, 4, 3, 2, 1, 0), (1, 0, 3, 2, 5, 4)])
async def test_whatever_comes_late_the_ledger_is_the_same(
    store: Store, site: str, order: Sequence[int]
) -> None:
    await told(store, site, *(NIGHT_AT_HOME[n] for n in order))
    assert await total(store) == 13_500
    assert [wh for _, wh in await verdicts(store)] == ["0", "3000", "3500", "7000", "0", "0"]
    before = await store.digest()
    assert (await store.replay()).digest == before


async def test_sabotage_charge_late_rebuild_is_noticed(store: Store, site: str) -> None:
    with sabotage("charge_late_rebuild"):
        await told(store, site, *(NIGHT_AT_HOME[n] for n in (0, 2, 1, 3)))
    assert [wh for _, wh in await verdicts(store)] != ["0", "3000", "3500", "7000"]
    said = await verdicts(store)
    await store.replay()
    assert await verdicts(store) != said


async def test_several_observations_of_one_payload(store: Store, site: str) -> None:
    await store.sites.set_home(site, Home(HERE["latitude"], HERE["longitude"]))
    await store.payloads.deliver(site, poll(*NIGHT_AT_HOME[:3]))
    await store.payloads.deliver(site, poll(*NIGHT_AT_HOME[3:]))
    assert await total(store) == 13_500


async def test_replay_withdrawal_and_another_zone_keep_the_rule(store: Store, site: str) -> None:
    await told(store, site, *NIGHT_AT_HOME)
    before = await store.digest()
    assert (await store.replay()).digest == before
    point = await store.points.by_external(CAR)
    await store.points.set_timezone(point.id, "UTC")
    assert await total(store) == 13_500
    rows = await store.payloads.list(site, limit=10)
    for row in rows:
        await store.payloads.withdraw(row.id, site, "owner")
    assert await total(store) == 0


async def test_what_says_nothing_of_charging_is_not_judged(store: Store, site: str) -> None:
    await told(store, site, said(0, None, range_km=200), said(-60, None, is_asleep=True))
    assert await verdicts(store) == [(None, None), (None, None)]


async def test_many_late_histories(store: Store, site: str) -> None:
    """Days of charging, told in every order of their halves."""
    days = list(itertools.chain.from_iterable(_day(n) for n in range(4)))
    await told(store, site, *days[::2])
    await told(store, site, *days[1::2], home=False)
    before = await store.digest()
    assert await total(store) == 4 * 8000
    assert (await store.replay()).digest == before


def _day(n: int) -> list[dict[str, Any]]:
    start = n * 1440
    return [
        said(start, soc_pct=50, energy_added_wh=8000 if n else 0, odometer_km=10 + n, **AWAY),
        said(start + 60, soc_pct=52, energy_added_wh=2000, odometer_km=10 + n, **CHARGING),
        said(start + 90, soc_pct=58, energy_added_wh=6000, odometer_km=10 + n, **CHARGING),
        said(start + 200, soc_pct=62, energy_added_wh=8000, odometer_km=10 + n, **FULL),
    ]
