"""Small things that the tests of cars share."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from httpx2 import AsyncClient
from sqlalchemy import func, insert, select, update

from wattledger.store import Store
from wattledger.store.tables import api_token, connection, membership, person, site, usage_point, vehicle

EMAIL = "owner@example.org"
CALLBACK = "/oauth/smartcar/callback"
OTHER = "0000000000000000000000000000000b"


async def bearer(store: Store, email: str) -> dict[str, str]:
    """The header of a person's API token."""
    await store.people.add_user(email)
    return {"authorization": f"Bearer {await store.people.api_token(email, 'tests')}"}


async def other_site(store: Store, email: str) -> None:
    """Let a person own another site, and not the default one."""
    now = store.database.clock.now()
    async with store.begin() as c:
        await c.execute(
            insert(site).values(id=OTHER, name="Other", timezone="America/Denver", created_at=now)
        )
        who = await c.scalar(select(person.c.id).where(person.c.email == email))
        await c.execute(update(membership).where(membership.c.person == who).values(site=OTHER))
        await c.execute(update(api_token).where(api_token.c.person == who).values(site=OTHER))


async def begun(browser: AsyncClient) -> str:
    """The address at the vendor."""
    answer = await browser.get("/v1/ev/connect")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def consented(browser: AsyncClient) -> str:
    """Begin, and decide at the vendor. Returns the way back."""
    url = await begun(browser)
    async with httpx2.AsyncClient() as vendor:
        answer = await vendor.get(url)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


async def connected(browser: AsyncClient) -> str:
    """Connect, whatever the vendor's desk decides. Returns our id of the primary car."""
    said = landed(await browser.get(await consented(browser)))
    assert "vehicle_id" in said, said
    return said["vehicle_id"]


def landed(answer: Any) -> dict[str, str]:
    """Where a callback sent the browser: its query, with the `path`."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    said = dict(parse_qsl(parts.query, strict_parsing=True))
    assert all(len(values) == 1 for values in parse_qs(parts.query).values())
    return {**said, "path": parts.path}


async def rows(store: Store) -> dict[str, int]:
    """How many rows there are that a connection leaves."""
    async with store.connect() as c:
        return {
            table.name: await c.scalar(select(func.count()).select_from(table)) or 0
            for table in (connection, vehicle, usage_point)
        }


NOTHING = {"connection": 0, "vehicle": 0, "usage_point": 0}
