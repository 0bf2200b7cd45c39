"""A device as the list has it: its usage points, and the words that its other answers need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from wattledger import localday
from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartthings.reading import identifier, load, text
from wattledger.connectors.smartthings.status import MAIN, MEASURING
from wattledger.errors import BadPayload, Refused
from wattledger.model import PointKind, UsagePoint

DEFAULT_ZONE = "America/Chicago"


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a device besides its status; texts are clean and may be empty."""

    id: str
    label: str
    location: str = ""
    room: str = ""
    model: str = ""
    category: str = ""
    type: str = ""

    def point(self, component: str) -> str:
        """The external id of a component's usage point."""
        return f"{self.id}/{component}"


@dataclass(frozen=True, slots=True)
class Place:
    """A location's name and zone, and its rooms' names by id."""

    name: str = ""
    timezone: str = ""
    rooms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """Locations by id, and the zone of those that name none. Travels with payloads as a header."""

    timezone: str = DEFAULT_ZONE
    known: Mapping[str, Place] = field(default_factory=dict)

    def only(self, locations: Iterable[str]) -> Places:
        """As much as concerns these locations."""
        return Places(self.timezone, {i: self.known[i] for i in sorted({*locations} & self.known.keys())})

    def to_header(self) -> str:
        """As JSON in ASCII."""
        return json.dumps(asdict(self))

    @classmethod
    def from_header(cls, said: str | None) -> Places:
        """Back from JSON. Raises BadPayload."""
        found = load((said or "{}").encode())
        known = {key: Place(**place) for key, place in mapping(found.get("known")).items()}
        return cls(found.get("timezone") or DEFAULT_ZONE, known)


def device_of(item: Any) -> Device | None:
    """The device of a list's item; None where it has no usable id."""
    said = mapping(item)
    id = identifier(said.get("deviceId"))
    if id is None:
        return None
    label = text(said.get("label")) or text(said.get("name")) or id
    ocf = mapping(said.get("ocf"))
    model = text(ocf.get("modelNumber")).partition("|")[0] or text(
        mapping(said.get("viper")).get("modelName")
    )
    return Device(
        id,
        label,
        text(said.get("locationId")),
        text(said.get("roomId")),
        model,
        _category(said),
        text(said.get("type")),
    )


def to_header(device: Device) -> str:
    """As JSON in ASCII."""
    return json.dumps(asdict(device))


def from_header(said: str | None) -> Device:
    """Back from JSON. Raises BadPayload."""
    try:
        return Device(**{key: text(value) for key, value in load((said or "").encode()).items()})
    except TypeError:
        raise BadPayload("This payload does not say which device it is about.", "no_device") from None


def measures(item: Mapping[str, Any]) -> bool:
    """Whether a status is worth asking for: energy or an air conditioner, or a list that tells nothing."""
    listed = rows(item.get("components"))
    named = [mapping(c) for c in listed if isinstance(mapping(c).get("capabilities"), list)]
    return not named or any(_capabilities(component) & MEASURING for component in named)


def main_measures(item: Mapping[str, Any]) -> bool:
    """Whether the list itself says that the main component measures."""
    listed = map(mapping, rows(item.get("components")))
    return any(c.get("id") == MAIN and _capabilities(c) & MEASURING for c in listed)


def point_of(device: Device, component: str, places: Places) -> UsagePoint:
    """The usage point of a component: named by label, and by the component where it is not `main`."""
    place = places.known.get(device.location, Place())
    details = {
        "device_id": device.id,
        "component": component,
        "location_id": device.location,
        "location": place.name,
        "room_id": device.room,
        "room": place.rooms.get(device.room, ""),
        "model": device.model,
        "category": device.category,
        "type": device.type,
    }
    name = device.label if component == MAIN else f"{device.label} {component}"
    known = {key: value for key, value in details.items() if value}
    zone = usable_zone(place.timezone) or usable_zone(places.timezone) or DEFAULT_ZONE
    return UsagePoint(PointKind.APPLIANCE, device.point(component), name, zone, known)


def usable_zone(name: str) -> str | None:
    """The name itself where it is an IANA zone."""
    try:
        localday.zone(name)
    except Refused:
        return None
    return name or None


def _capabilities(component: Mapping[str, Any]) -> frozenset[str]:
    ids = (mapping(c).get("id") for c in rows(component.get("capabilities")))
    return frozenset(id for id in ids if isinstance(id, str))


def _category(said: Mapping[str, Any]) -> str:
    """The main component's category; an owner's choice goes before the manufacturer's."""
    for component in rows(said.get("components")):
        if mapping(component).get("id") == MAIN:
            named = {
                text(mapping(c).get("categoryType")): text(mapping(c).get("name"))
                for c in rows(component.get("categories"))
            }
            return named.get("user") or named.get("manufacturer") or ""
    return ""
