"""People: one address, one person; each an owner of the default site."""

import asyncio

import pytest

from wattledger.errors import Refused
from wattledger.store.database import Database
from wattledger.store.people.email import normal_email
from wattledger.store.people.people import People

GOOD = [
    ("Owner@Example.ORG", "owner@example.org"),
    ("  owner@example.org\n", "owner@example.org"),
    ("owner+wl@example.org", "owner+wl@example.org"),
    ("owner@bücher.example", "owner@xn--bcher-kva.example"),
    ("e\u0301@example.org", "é@example.org"),
    ("me@localhost", "me@localhost"),
]
BAD = [
    "", "owner", "@", "owner@", "@example.org", "a b@example.org", "a@b@example.org", "owner@-x.org",
    "owner@x..org", "owner@" + "x" * 64 + ".org", "x" * 65 + "@example.org", "owner\0@example.org",
    "owner\r\nBcc: x@example.org", "<owner@example.org>", "owner@exa_mple.org",
    "a@" + ".".join(["x" * 60] * 5), "\ud800@example.org", "owner@.",
]  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), GOOD)
def test_an_address_has_one_form(given: str, kept: str) -> None:
    assert normal_email(given) == kept
    assert normal_email(kept) == kept


@pytest.mark.parametrize("given", BAD)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(Refused) as caught:
        normal_email(given)
    assert caught.value.field == "email"


async def test_adding_a_person_again_changes_nothing(database: Database) -> None:
    people = People(database)
    assert await people.setup_needed()
    one = await people.add_user("Owner@example.org")
    two = await people.add_user("owner@EXAMPLE.org ")
    assert one == two
    assert not await people.setup_needed()
    assert [user.email for user in await people.list()] == ["owner@example.org"]


async def test_many_adding_one_person_at_once_make_one(database: Database) -> None:
    people = People(database)
    made = await asyncio.gather(*(people.add_user("owner@example.org") for _ in range(8)))
    assert len({user.id for user in made}) == 1


async def test_unknown_addresses(database: Database) -> None:
    people = People(database)
    assert await people.by_email("who@example.org") is None
    with pytest.raises(Refused):
        await people.by_email("who")
