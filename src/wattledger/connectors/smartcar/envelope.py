"""The envelope of a webhook, versions 2.0, 3.0 and 4.0 alike.

    2.0       {"version", "webhookId", "eventName": verify | schedule | dynamic | eventBased, "mode",
               "payload"}
    3.0, 4.0  {"eventId", "eventType": VERIFY | VEHICLE_STATE | VEHICLE_ERROR, "data", "triggers", "meta"}

`triggers` and `meta` stand beside `data` or inside it; the time of delivery goes by several names and forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar.reading import identifier, instant, load, text, word
from wattledger.errors import BadPayload

LARGEST = 50 * 1024
"""bytes: the vendor sends no more"""
VERIFY, STATE, ERROR = "VERIFY", "VEHICLE_STATE", "VEHICLE_ERROR"
SCHEDULE, EVENT = "SCHEDULE", "EVENTBASED"
DELIVERED = ("deliveredAt", "deliveryTime", "deliveryTimestamp")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One delivery."""

    kind: str
    """VERIFY, VEHICLE_STATE, VEHICLE_ERROR, SCHEDULE, EVENTBASED, or what else the vendor calls it"""
    said: Mapping[str, Any]
    data: Mapping[str, Any]
    """`data`, in 2.0 `payload`"""
    meta: Mapping[str, Any]
    old: bool
    """whether it is of version 2.0"""

    @property
    def event(self) -> str | None:
        """The vendor's id of the event, the same in every repetition."""
        asked = (car.get("requestId") for car in self.cars)
        found = self.said.get("eventId") or self.data.get("eventId") or next(filter(None, asked), None)
        return text(str(found) if isinstance(found, int) and not isinstance(found, bool) else found) or None

    @property
    def user(self) -> str | None:
        """The vendor's id of the account, whatever it looks like: it is only compared."""
        return text(mapping(self.data.get("user")).get("id")) or text(self.said.get("userId")) or None

    @property
    def mode(self) -> str:
        """LIVE, TEST or SIMULATED; empty where none is said."""
        return word(self.meta.get("mode")) or word(self.said.get("mode"))

    @property
    def test(self) -> bool:
        """Whether somebody tried it out on the vendor's pages: it speaks of no car."""
        return self.mode == "TEST"

    @property
    def timeless(self) -> bool:
        """Whether its version gives signals no times of their own: 3.0."""
        return text(self.meta.get("version")).split(".")[0] == "3"

    @property
    def cars(self) -> list[Mapping[str, Any]]:
        """2.0: the cars it speaks of, each with `vehicleId`, `data`, `timestamp`."""
        if not self.old:
            return []
        listed = [mapping(one) for one in rows(self.data.get("vehicles"))]
        return listed or ([self.data] if "vehicleId" in self.data else [])

    @property
    def changed(self) -> frozenset[str]:
        """Codes of the signals that made the vendor send it, in lower case."""
        triggers = rows(self.said.get("triggers")) or rows(self.data.get("triggers"))
        return frozenset(code for one in triggers if (code := _trigger(one)))

    def delivered(self, received: datetime) -> datetime | None:
        """When the vendor sent it; None where it doesn't say."""
        found = (instant(self.meta.get(name), received) for name in DELIVERED)
        return next((at for at in found if at is not None), None)

    def vehicles(self) -> tuple[str, ...]:
        """Ids of the cars it speaks of. Raises BadPayload where it contradicts itself."""
        if self.old:
            named = [one.get("vehicleId") for one in self.cars]
        else:
            named = [
                mapping(self.data.get("vehicle")).get("id"),
                self.said.get("vehicleId"),
                self.data.get("vehicleId"),
            ]
        found = tuple(dict.fromkeys(id for one in named if (id := identifier(one))))
        if not self.old and len(found) > 1:
            raise BadPayload("The webhook names two vehicles for one.", "two_vehicles")
        return found


def envelope_of(body: bytes) -> Envelope:
    """Raises BadPayload for what is too long, no JSON object, or no webhook of Smartcar's."""
    if len(body) > LARGEST:
        raise BadPayload(f"A webhook has at most {LARGEST // 1024} KiB; this one has more.", "too_large")
    said = load(body)
    name, kind = word(said.get("eventName")), word(said.get("eventType"))
    if not name and not kind:
        raise BadPayload("The body names no event, so it is no webhook of Smartcar's.", "no_event")
    old = not kind
    data = mapping(said.get("payload" if old else "data"))
    inner = mapping(data.get("meta"))
    meta = {**inner, **mapping(said.get("meta"))}
    return Envelope(_kind(name) if old else kind, said, data, meta, old)


def code_of(said: Any) -> str:
    """A signal's code, which is named as a text or as an object; empty where there is none."""
    item = mapping(said)
    if named := text(item.get("code") if item else said):
        return named.casefold().replace(".", "-")
    group, name = text(item.get("group")), text(item.get("name"))
    return f"{group}-{name}".casefold() if group and name else ""


def _trigger(said: Any) -> str:
    return code_of(mapping(said).get("signal", said))


def _kind(name: str) -> str:
    """2.0 has many words for what comes by itself: schedule, scheduled, dynamic."""
    joined = name.replace("_", "")
    return joined if joined in {VERIFY, EVENT} else SCHEDULE
