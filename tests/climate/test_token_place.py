"""Where a pasted token goes when nobody names a connection: never in the place of another sign-in."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient

from tests.climate.test_sign_in import consented
from tests.web.helpers import FakeClock
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.store import Store


@pytest.fixture
async def oauth(owner: AsyncClient, store: Store) -> str:
    """The id of a connection that was signed in to by OAuth."""
    await owner.get(await consented(owner))
    (row,) = await store.connections.list(None)
    return row.id


async def sign_ins(owner: AsyncClient, store: Store) -> dict[str, str]:
    return {
        row.id: (await owner.get("/token", params={"connection": row.id})).json()["signIn"]
        for row in await store.connections.list(None)
    }


async def test_an_oauth_sign_in_stays_and_the_token_gets_a_connection_of_its_own(
    owner: AsyncClient, oauth: str, store: Store, vendor: SmartThingsSimulator, clock: FakeClock
) -> None:
    done = (await owner.post("/token", json={"token": vendor.issuer.pasted()})).json()
    assert done["reset"] and done["connection"] != oauth
    assert await sign_ins(owner, store) == {oauth: "oauth", done["connection"]: "token"}
    shown = (await owner.get("/token")).json()
    assert (shown["connection"], shown["secondsLeft"]) == (done["connection"], 86400)
    again = (await owner.post("/token", json={"token": vendor.issuer.pasted()})).json()
    assert again["connection"] == done["connection"]
    assert (await owner.get("/fetch_status")).json()["connection"] == done["connection"]


async def test_it_is_replaced_where_it_is_named(
    owner: AsyncClient, oauth: str, store: Store, vendor: SmartThingsSimulator
) -> None:
    body = {"token": vendor.issuer.pasted()}
    done = (await owner.post("/token", params={"connection": oauth}, json=body)).json()
    assert done["connection"] == oauth
    assert await sign_ins(owner, store) == {oauth: "token"}


async def test_alone_it_is_what_the_routes_speak_of(owner: AsyncClient, oauth: str) -> None:
    shown = (await owner.get("/token")).json()
    assert (shown["connection"], shown["signIn"], shown["tokenMasked"]) == (oauth, "oauth", None)
    assert (await owner.get("/fetch_status")).json()["connection"] == oauth


async def test_the_card_offers_no_token_in_place_of_it(owner: AsyncClient, oauth: str) -> None:
    page = (await owner.get("/sources")).text
    assert f"/sources/smartthings/connect?connection={oauth}" in page
    assert f'name="connection" value="{oauth}"' not in page
