"""Deleting everything: first our access at the vendors, then all that is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattledger.connectors.base import ENDING
from wattledger.errors import Refused
from wattledger.store.archive.erase import Erased
from wattledger.store.people.principal import Principal
from wattledger.web.auth import actor
from wattledger.web.contracts.ev.cars import cars
from wattledger.web.contracts.ev.disconnect import UNTOLD, let_go
from wattledger.web.hub import Hub

SMARTTHINGS = (
    "SmartThings cannot be told by us: delete the token at account.smartthings.com/tokens, or remove "
    "Wattledger among the linked services of your Samsung account."
)
KEPT = (
    "Files of the utility that hold other homes' meters too stay with whoever runs this hub; your meter's "
    "rows in them are never read again."
)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went, and what remains to be done elsewhere."""

    erased: Erased
    told: list[str] = field(default_factory=list)


async def delete_everything(found: Hub, person: Principal, typed: str) -> Deleted:
    """Delete everything of the person's site, whose name they typed. Raises Refused, TryLater.

    A vendor that cannot be told holds nothing up; its tokens are erased here all the same.
    """
    site = await found.store.sites.get(person.site)
    if " ".join(typed.split()) != site.name:
        text = f"To delete everything, type the site's name exactly: {site.name}"
        raise Refused(text, "NOT_CONFIRMED", "confirm")
    told: list[str] = []
    listed = [car for car in await cars(found.store, site.id) if car.row.active]
    ended = not listed or (await let_go(found, listed, actor(person)))["revoked"]
    rows = await found.store.connections.list(site.id)
    if not ended or any(row.options.get(ENDING) for row in rows):
        told.append(UNTOLD)
    if any(row.connector == "smartthings" for row in rows):
        told.append(SMARTTHINGS)
    erased = await found.store.erase.site(site.id, actor(person))
    if erased.kept:
        told.append(KEPT)
    return Deleted(erased, told)
