"""A charge whose place nobody told: the meter of the site speaks, and nothing is booked by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.store.fake import CHICAGO, block, file

from wattledger import localday
from wattledger.model import Flow, Source
from wattledger.store import Store
from wattledger.web.charging import sessions_of

CAR = "car-1"
DAY = localday.number(datetime(2025, 6, 1, tzinfo=UTC).date())
NIGHT = localday.start(DAY, CHICAGO) + timedelta(hours=2)


async def told(store: Store, site: str, watts: int) -> None:
    """A charge with 7 kW from two to four in the morning, and a meter whose load rose then by so much."""
    steps = ((0, "NOT_CHARGING", 0), (60, "CHARGING", 7000), (120, "FULLY_CHARGED", 14000))
    for minutes, state, added in steps:
        at = NIGHT + timedelta(minutes=minutes)
        values = {"charging_state": state, "plugged_in": minutes > 0, "energy_added_wh": added}
        said = [{"at": at.isoformat(), "values": values}]
        await store.payloads.deliver(
            site, file(points=[CAR], kind="vehicle", source=Source.POLL, observations=said, tz=CHICAGO)
        )
    end = {"charging_state": "NOT_CHARGING", "plugged_in": False, "energy_added_wh": 14000}
    last = [{"at": (NIGHT + timedelta(hours=6)).isoformat(), "values": end}]
    await store.payloads.deliver(
        site, file(points=[CAR], kind="vehicle", source=Source.POLL, observations=last, tz=CHICAGO)
    )
    load = [100 + (watts // 4 if 8 <= slot < 16 else 0) for slot in range(96)]
    await store.payloads.deliver(site, file(block(DAY, load)))


@pytest.mark.parametrize(("watts", "word"), [(7000, "at home"), (0, "elsewhere")])
async def test_the_meter_is_evidence_alone(store: Store, site: str, watts: int, word: str) -> None:
    await told(store, site, watts)
    point = await store.points.by_external(CAR)
    (one,) = await sessions_of(store, point, NIGHT - timedelta(days=1), NIGHT + timedelta(days=1))
    assert one.place == "unknown" and one.wh == 14_000 and one.booked_wh == 0
    assert word in one.evidence[-1] and one.evidence[-1].startswith("By the meter")
    assert (await store.energy.coverage(point, Flow.DELIVERED)).total_wh == 0
