"""The last day of a unit: how long it ran to the second, and a drawing that says itself in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.climate.helpers import poll
from tests.payloads.smartthings import air_conditioner, attribute, device, report, reported
from tests.web.helpers import FakeClock, sign_in
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import stamp
from wattledger.store import Store
from wattledger.web.climate_day import Piece, Recent, pieces
from wattledger.web.pages.air.drawing import draw

ZONE = "America/Chicago"
NOON = datetime(2026, 7, 15, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + hours * HOUR


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], []),
        ([(0, "a")], [(0, 4, "a")]),
        ([(0, "a"), (1, "b"), (2, "b")], [(0, 1, "a"), (1, 4, "b")]),
        ([(0, "a"), (5, "b")], [(0, 4, "a")]),
        ([(3, "a"), (3, "b")], [(3, 4, "b")]),
        ([(6, "a")], []),
    ],
)
def test_changes_hold_until_the_next(changes: list[Any], expected: list[Any]) -> None:
    found = pieces([(at(hours), value) for hours, value in changes], at(4))
    assert found == [Piece(at(a), at(b), value) for a, b, value in expected]


def test_it_ran_while_it_was_on_since_an_instant() -> None:
    did = [
        Piece(at(-20), at(-8), "cool, fan auto"),
        Piece(at(-8), at(-3), "off"),
        Piece(at(-3), at(-1), "heat"),
    ]
    seen = Recent(at(-24), at(0), [], [], did)
    assert seen.ran(at(-12)) == 6 * HOUR
    assert seen.ran(at(-2)) == HOUR
    assert Recent(at(-24), at(0), [], [], []).ran(at(-12)) is None


def test_the_drawing_says_what_it_shows() -> None:
    did = [Piece(at(-30), at(-12), "off"), Piece(at(-12), at(0), "cool, fan auto")]
    room = [(at(-30), 27.0), (at(-6), 24.5), (at(0), 24.0)]
    asked = [Piece(at(-24), at(-12), 25.0), Piece(at(-12), at(0), 24.0)]
    drawing = draw(Recent(at(-25), at(0), room, asked, did), ZONE)
    assert drawing is not None
    assert drawing.says == (
        "The last 24 hours: room 24.0 to 27.0 °C; set to 24.0 to 25.0 °C; cooling 12 h; off 12 h"
    )
    assert [(b.x, b.width, b.look) for b in drawing.did] == [(0, 120, "idle"), (120, 120, "ran")]
    assert drawing.did[1].says == "00:00 to 12:00: cooling, fan auto"
    assert drawing.room.startswith("M0 ") and drawing.room.count("L") == 2
    assert drawing.nights == [120.0]
    assert draw(Recent(at(-24), at(0), [], [], []), ZONE) is None


def test_a_room_that_stays_as_it_is_is_a_line_in_the_middle() -> None:
    drawing = draw(Recent(at(-24), at(0), [(at(-24), 24.0), (at(0), 24.0)], [], []), ZONE)
    assert drawing is not None and drawing.room == "M0 27 L240 27"


async def test_a_switch_counts_to_the_second(
    owner: AsyncClient,
    stranger: AsyncClient,
    store: Store,
    vendor: SmartThingsSimulator,
    clock: FakeClock,
) -> None:
    """Off since the day before yesterday but for 10:00:00 to 11:20:30; polled every few hours only."""
    vendor.devices.clear()
    now = clock.now()
    midnight = datetime(2026, 7, 15, 5, tzinfo=UTC)
    said = [
        (-40 * HOUR, "off", timedelta()),
        (-5 * HOUR, "off", -40 * HOUR),
        (11 * HOUR, "on", 10 * HOUR),
        (12 * HOUR, "off", 11 * HOUR + timedelta(minutes=20, seconds=30)),
    ]
    clock.move(midnight - 41 * HOUR - now)
    body = {"connector": "smartthings", "token": vendor.issuer.pasted(100)}
    id = str((await owner.post("/v1/connections", json=body)).json()["connection"]["id"])
    for when, state, since in said:
        clock.move(midnight + when - clock.now())
        changed = midnight + (since if since else when)
        switch = {"switch": attribute(state, timestamp=stamp(changed))}
        mode = {"airConditionerMode": attribute("cool", timestamp=stamp(midnight - 40 * HOUR))}
        told = report(1000, 0, start=stamp(clock.now() - HOUR), end=stamp(clock.now()))
        status = air_conditioner(**reported(told, stamp(clock.now())), switch=switch, airConditionerMode=mode)
        vendor.add(device("d1", "Attic AC", tuple(status)), {"main": status})
        if clock.now() > midnight - 20 * HOUR:
            await owner.post("/token", json={"token": vendor.issuer.pasted(100)})
        await poll(owner, id)
    clock.move(midnight + 12.5 * HOUR - clock.now())
    await sign_in(stranger, store, "owner@example.org", clock.now())
    page = (await stranger.get("/air-conditioners")).text
    assert '<dd class="num">1 h 20 min</dd>' in page
    assert "10:00 to 11:20: cooling, fan low" in page
    assert "off 22 h" in page
