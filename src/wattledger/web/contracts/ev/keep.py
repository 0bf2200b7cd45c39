"""Keeping what was granted: one connection with its token and the cars that it reaches, nothing half done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.connectors.base import ENDING
from wattledger.errors import NotFound
from wattledger.faults import fault, sabotaged
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import stored_token
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.contracts.ev.cars import NAME, connections
from wattledger.web.contracts.ev.failures import OTHERWISE, Failed
from wattledger.web.contracts.ev.grant import Grant


async def keep(store: Store, begun: SignInBegun, grant: Grant, by: str) -> VehicleRow:
    """Connect the granted cars, or the ones that are not another site's. Returns the site's primary.

    An existing connection that reached any of them goes on with the new token; its cars that were not
    granted again are out of use. Raises Failed where every car is another site's: then nothing is kept.
    Connection, token and cars are one transaction: a process that dies leaves all of it or nothing.
    """
    async with store.database.exclusive(f"cars-{begun.site}"):
        foreign = set() if _blind() else await store.vehicles.foreign(begun.site, grant.external_ids)
        mine = [id for id in grant.external_ids if id not in foreign]
        if not mine:
            raise Failed("vehicle_in_use")
        for payload in grant.payloads:
            await store.payloads.deliver(begun.site, payload)
        mine = [id for id in mine if await _there(store, id, begun.site)]
        if not mine:
            raise Failed("vehicle_in_use")
        await _kept(store, begun, grant, mine, by)
        await _tidy(store, begun.site, by)
    if (primary := await store.vehicles.primary(begun.site)) is None:
        raise Failed(OTHERWISE)
    return primary


async def _there(store: Store, id: str, site: str) -> bool:
    """Whether what was delivered made it a usage point of this site: another may have been faster."""
    try:
        await store.points.by_external(id, None if _blind() else site)
    except NotFound:
        return False
    return True


def _blind() -> bool:
    return sabotaged("foreign_refused")


async def _kept(store: Store, begun: SignInBegun, grant: Grant, ids: Sequence[str], by: str) -> None:
    """Make or resume the connection and let it reach these cars, in one transaction. Raises Failed."""

    async def link(connection: AsyncConnection, id: str) -> None:
        fault("web.car_before_link")
        if not await store.vehicles.link_all(connection, id, begun.site, begun.person, ids, by):
            raise Failed("vehicle_in_use")

    token = stored_token(grant.token) if grant.token else None
    secrets, options = {"api": str(grant.options["api"])}, dict(grant.options)
    known = await _known(store, begun.site, grant, ids)
    if known is None:
        await store.connections.create(begun.site, NAME, options, secrets, by, token=token, also=link)
        return
    options = {**known.options, **options}
    await store.connections.resume(known.id, begun.site, secrets, token, options=options, by=by, also=link)


async def _known(store: Store, site: str, grant: Grant, ids: Sequence[str]) -> ConnectionRow | None:
    """The connection that is signed in anew: of the same account, else the one with most of the cars."""
    rows = await connections(store, site)
    user = grant.options.get("user_id")
    for row in rows:
        if user and row.options.get("user_id") == user:
            return row
    reached = Counter(
        car.connection
        for car in await store.vehicles.list(site, active_only=True)
        if car.external_id in ids and car.connection
    )
    return max((row for row in rows if reached[row.id]), key=lambda row: reached[row.id], default=None)


async def _tidy(store: Store, site: str, by: str) -> None:
    """End connections that reach no car any more: their tokens open nothing that is shown."""
    used = {car.connection for car in await store.vehicles.list(site, active_only=True)}
    for row in await connections(store, site):
        if row.id in used:
            continue
        if row.options.get(ENDING):  # the vendor is told first, for which the token is needed
            await store.connections.let_go(row.id, site, (), by)
        else:
            await store.connections.disconnect(row.id, site, by)
