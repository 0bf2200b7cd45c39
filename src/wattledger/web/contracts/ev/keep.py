"""Keeping what was granted: one connection with its token and the cars that it reaches, nothing half done."""

from __future__ import annotations

from collections import Counter

from wattledger.errors import NotFound
from wattledger.faults import fault, sabotaged
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.dispatch import stored_token
from wattledger.store.sources.oauth_states import SignInBegun
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.contracts.ev.cars import NAME, connections
from wattledger.web.contracts.ev.failures import Failed
from wattledger.web.contracts.ev.grant import Grant


async def keep(store: Store, begun: SignInBegun, grant: Grant, by: str) -> VehicleRow:
    """Connect the granted cars, or the ones that are not another site's. Returns the site's primary.

    An existing connection that reached any of them goes on with the new token; its cars that were not
    granted again are out of use. Raises Failed where every car is another site's: then nothing is kept.
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
        linked = await _linked(store, begun, grant, mine, by)
        if not linked:
            raise Failed("vehicle_in_use")
        await _tidy(store, begun.site, by)
    return await store.vehicles.primary(begun.site) or linked[0]


async def _there(store: Store, id: str, site: str) -> bool:
    """Whether what was delivered made it a usage point of this site: another may have been faster."""
    try:
        await store.points.by_external(id, None if _blind() else site)
    except NotFound:
        return False
    return True


def _blind() -> bool:
    return sabotaged("foreign_refused")


async def _linked(
    store: Store, begun: SignInBegun, grant: Grant, ids: list[str], by: str
) -> list[VehicleRow]:
    """Make or resume the connection, and let it reach these cars; a new one that can't is ended at once."""
    known = await _known(store, begun.site, grant, ids)
    row = known or await _made(store, begun, grant, by)
    try:
        fault("web.car_before_link")
        linked = list(await store.vehicles.link(row.id, begun.site, begun.person, ids, by))
    except BaseException:
        if known is None:
            await store.connections.disconnect(row.id, begun.site, by)
        raise
    if not linked and known is None:
        await store.connections.disconnect(row.id, begun.site, by)
    if linked and (known or await _looked_at(store, row)):
        secrets, token = _secrets(grant), stored_token(grant.token) if grant.token else None
        await store.connections.resume(
            row.id, begun.site, secrets, token, options={**row.options, **grant.options}, by=by
        )
    return linked


async def _looked_at(store: Store, row: ConnectionRow) -> bool:
    """Whether a collector was so quick that it found the connection without its cars."""
    now = await store.connections.get(row.id, row.site)
    return now.last_asked is not None or now.leased_until is not None


async def _made(store: Store, begun: SignInBegun, grant: Grant, by: str) -> ConnectionRow:
    token = stored_token(grant.token) if grant.token else None
    options = dict(grant.options)
    return await store.connections.create(begun.site, NAME, options, _secrets(grant), by, token=token)


async def _known(store: Store, site: str, grant: Grant, ids: list[str]) -> ConnectionRow | None:
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
        if row.id not in used:
            await store.connections.disconnect(row.id, site, by)


def _secrets(grant: Grant) -> dict[str, str]:
    return {"api": str(grant.options["api"])}
