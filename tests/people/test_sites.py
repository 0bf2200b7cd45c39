"""Sites: one is there from the start; names and zones are checked."""

import asyncio

import pytest

from wattledger.errors import NotFound, Refused
from wattledger.store.database import Database
from wattledger.store.people.sites import Sites


async def test_the_default_site_is_made_once_however_many_ask(database: Database) -> None:
    sites = Sites(database)
    asked = await asyncio.gather(*(sites.default() for _ in range(8)))
    assert len({row.id for row in asked}) == 1
    assert [(s.name, s.timezone) for s in await sites.list()] == [("Home", "America/Chicago")]


async def test_rename_and_move(database: Database) -> None:
    sites = Sites(database)
    home = await sites.default()
    changed = await sites.update(home.id, name="  Lake \n house ", timezone="Europe/Berlin")
    assert (changed.name, changed.timezone) == ("Lake house", "Europe/Berlin")
    assert (await sites.get(home.id)).name == "Lake house"


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "a\0b", "CST"])
async def test_a_zone_that_is_none_is_refused(database: Database, zone: str) -> None:
    sites = Sites(database)
    with pytest.raises(Refused) as caught:
        await sites.update((await sites.default()).id, timezone=zone)
    assert caught.value.code == "BAD_ZONE"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x1bb"])
async def test_a_name_that_is_none_is_refused(database: Database, name: str) -> None:
    sites = Sites(database)
    with pytest.raises(Refused):
        await sites.update((await sites.default()).id, name=name)


async def test_an_unknown_site_is_not_found(database: Database) -> None:
    for call in (Sites(database).get("x"), Sites(database).update("x", name="y")):
        with pytest.raises(NotFound):
            await call
