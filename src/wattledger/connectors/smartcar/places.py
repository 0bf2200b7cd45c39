"""Where a car is, and where its owner charges: found in a body, and taken out of it.

Besides positions, bodies may hold addresses: limits and timers of charging are bound to places, and the
records of past charges name theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wattledger.connectors.reading import mapping
from wattledger.connectors.smartcar.envelope import code_of, envelope_of
from wattledger.connectors.smartcar.reading import load, text
from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

PLACES = frozenset(
    {"latitude", "longitude", "address", "heading", "direction", "locationtype", "location"}
    | {"street", "city", "postalcode", "zipcode"}
)
"""keys, in lower case, that say where something is"""
WORDS = tuple(name.encode() for name in sorted(PLACES))
LINKS = (b"token=",)
"""within links by which whoever has them may speak for the owner: that to choose a battery's size has one"""
GROUP, PATH = "location-", "/location"


def holds_places(body: bytes) -> bool:
    """Whether it says where a car or its owner is, or has a link that opens something of theirs.

    Also of what can't be read, to be safe: what holds places is kept sealed.
    """
    small = body.lower()
    if any(link in small for link in LINKS):
        return True
    if not any(name in small for name in (*WORDS, b"\\u")):
        return False
    try:
        return _holds(load(body))
    except (BadPayload, RecursionError):
        return True


def without_location(body: bytes) -> bytes:
    """The same without places, and without signals and paths of the location. Raises BadPayload.

    Unchanged, to the byte, where there was nothing of the kind.
    """
    said = load(body)
    try:
        kept = said if sabotaged("without_location") else _kept(said)
        same = kept == said
        return body if same else json.dumps(kept, separators=(",", ":")).encode()
    except (RecursionError, ValueError):
        raise BadPayload("Smartcar's answer is nested deeper than any that is real.", "too_deep") from None


def of_one(body: bytes, vehicle: str) -> bytes:
    """A webhook without the other cars that it may speak of (2.0): they may be somebody else's.

    Unchanged, to the byte, where there are none. Raises BadPayload.
    """
    envelope = envelope_of(body)
    kept = [car for car in envelope.cars if car.get("vehicleId") == vehicle]
    if len(kept) == len(envelope.cars) or sabotaged("of_one"):
        return body
    said = {**envelope.said, "payload": {**envelope.data, "vehicles": kept}}
    return json.dumps(said, separators=(",", ":")).encode()


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(
            (name.casefold() in PLACES and inner is not None) or _holds(inner)
            for name, inner in value.items()
        )
    return isinstance(value, list) and any(map(_holds, value))


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        gone = PLACES | ({"body"} if _locates(value) else set())
        return {name: _kept(inner) for name, inner in value.items() if name.casefold() not in gone}
    if isinstance(value, list):
        return [_kept(inner) for inner in value if not _locates(inner)]
    return value


def _locates(item: Any) -> bool:
    """Whether it is a signal or a path whose only subject is where the car is."""
    said = mapping(item)
    if not said or not ({"body", "attributes"} & said.keys()):
        return False
    inner: Mapping[str, Any] = mapping(said.get("attributes")) or said
    code = code_of(inner) or text(said.get("id")).casefold()
    return code.startswith(GROUP) or text(said.get("path")).strip("/").casefold() == PATH.strip("/")
