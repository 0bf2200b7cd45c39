"""Names and zones of locations and rooms: asked once, remembered for hours, never in the way of energy.

Answers hold the coordinates of homes, so they are read here and not archived.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.connectors.base import Account
from wattledger.connectors.http import exchange
from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartthings.answers import opened
from wattledger.connectors.smartthings.devices import DEFAULT_ZONE, Place, Places
from wattledger.connectors.smartthings.reading import identifier, text
from wattledger.errors import WattledgerError

KNOWN_FOR, UNKNOWN_FOR = timedelta(hours=12), timedelta(hours=1)
MOST_ROOMS = 200


@dataclass(slots=True)
class PlaceCache:
    """What is known of locations, by (connection, location); the oldest are forgotten past `most`."""

    most: int = 20_000
    _known: OrderedDict[tuple[str, str], tuple[datetime, Place]] = field(default_factory=OrderedDict)

    async def resolve(self, account: Account, locations: Iterable[str]) -> Places:
        """The names of these locations. What can't be asked stays unnamed for an hour."""
        found = {}
        for location in sorted({id for id in locations if identifier(id)}):
            key = (account.connection, location)
            until, place = self._known.get(key, (account.now, Place()))
            if until <= account.now:
                place, good = await _ask(account, location)
                self._known[key] = (account.now + (KNOWN_FOR if good else UNKNOWN_FOR), place)
            found[location] = place
        while len(self._known) > self.most:
            self._known.popitem(last=False)
        return Places(str(account.options.get("timezone") or DEFAULT_ZONE), found)


async def _ask(account: Account, location: str) -> tuple[Place, bool]:
    """(what was found out, whether that is all)."""
    try:
        said = await _get(account, f"/v1/locations/{location}")
    except WattledgerError:
        return Place(), False
    name, zone = text(said.get("name")), text(said.get("timeZoneId"))
    try:
        listed = rows((await _get(account, f"/v1/locations/{location}/rooms")).get("items"))
    except WattledgerError:
        return Place(name, zone), False
    rooms = {text(r.get("roomId")): text(r.get("name")) for r in map(mapping, listed[:MOST_ROOMS])}
    return Place(name, zone, rooms), True


async def _get(account: Account, path: str) -> dict[str, Any]:
    return opened(await exchange(account.http, "GET", path), account.now)
