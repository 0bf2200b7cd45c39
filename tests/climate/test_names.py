"""Names on their way through the hub: pages escape them, CSV keeps them one cell and no formula."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from httpx2 import AsyncClient

from tests.climate.helpers import poll
from tests.connectors.test_st_names import NAMES
from tests.web.helpers import FakeClock, sign_in
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import LOCATION, AcUnit
from wattledger.store import Store

SHOWN = sorted(shown for _, shown in NAMES[:-1])


@pytest.fixture
async def named(owner: AsyncClient, vendor: SmartThingsSimulator, clock: FakeClock) -> str:
    """A connection to a home whose units, place and room have every odd name."""
    for said, _ in NAMES[:-1]:
        unit = AcUnit(f"Unit of {ascii(said)[:90]}", 0.1, "Attic")
        vendor.add({**unit.device(), "label": said}, {"main": unit.status(clock.now())})
    vendor.locations[LOCATION]["name"] = '+Home, "sweet"\N{RIGHT-TO-LEFT OVERRIDE} home'
    body = {"connector": "smartthings", "token": vendor.issuer.pasted()}
    id = str((await owner.post("/v1/connections", json=body)).json()["connection"]["id"])
    await poll(owner, id)
    return id


async def test_json_and_csv_have_every_name_once(owner: AsyncClient, named: str) -> None:
    units = (await owner.get("/dashboard")).json()
    ours = sorted(u["deviceName"] for u in units if not u["deviceName"].endswith(" AC"))
    assert ours == [name for name in SHOWN if not name.endswith(" AC")]
    assert {u["location"] for u in units} == {'+Home, "sweet" home'}
    rows = list(csv.DictReader(StringIO((await owner.get("/export")).text)))
    assert len(rows) == len(units)
    assert {row["Location"] for row in rows} == {'\'+Home, "sweet" home'}
    assert {row["Device Name"].removeprefix("'") for row in rows} >= set(SHOWN)
    assert not any(row["Device Name"].startswith(("=", "+", "-", "@")) for row in rows)


async def test_history_finds_a_unit_by_any_name(owner: AsyncClient, named: str) -> None:
    for name in SHOWN:
        assert (await owner.get("/history", params={"deviceName": name})).json(), name


async def test_the_page_shows_them_escaped(
    owner: AsyncClient, stranger: AsyncClient, named: str, store: Store, clock: FakeClock
) -> None:
    await sign_in(stranger, store, "owner@example.org", clock.now())
    page = (await stranger.get("/air-conditioners")).text
    assert "The &#34;big&#34; one" in page and 'The "big" one' not in page
    assert not any(c in page for c in "\u202e\u2067\u200f\ufeff\x00")
