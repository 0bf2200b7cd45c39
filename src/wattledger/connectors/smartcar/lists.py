"""Lists of cars: v2's vehicles, v3's connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar.reading import identifier, load, text
from wattledger.errors import BadPayload


@dataclass(frozen=True, slots=True)
class Granted:
    """A row of v3's list of connections: one car of one user."""

    id: str | None
    """of the connection; it changes when the owner signs in again"""
    vehicle: str
    user: str | None
    external_id: str | None
    """what we called the owner when we sent them to Connect"""
    mode: str
    """live or simulated, in lower case"""
    vehicle_said: Mapping[str, Any]
    """make, model, year"""
    permissions: frozenset[str]
    """an upper bound: each signal decides for itself"""


def vehicles_of(body: bytes) -> dict[str, Mapping[str, Any]]:
    """Cars of a v2 list by id, with make, model and year where the list has them. Raises BadPayload."""
    listed = load(body).get("vehicles")
    if not isinstance(listed, list):
        raise BadPayload("The list of vehicles has no vehicles.", "no_vehicles")
    found = (
        (identifier(mapping(one).get("id") if isinstance(one, dict) else one), mapping(one)) for one in listed
    )
    return {id: said for id, said in found if id}


def granted(body: bytes) -> list[Granted]:
    """Rows of a v3 list of connections that name a vehicle, or a single connection. Raises BadPayload."""
    said = load(body).get("data")
    if not isinstance(said, list | dict):
        raise BadPayload("The list of connections has no data.", "no_data")
    found = (_row(mapping(one)) for one in (said if isinstance(said, list) else [said]))
    return [row for row in found if row]


def _row(said: Mapping[str, Any]) -> Granted | None:
    about, related = mapping(said.get("attributes")), mapping(said.get("relationships"))
    vehicle, user = mapping(about.get("vehicle")), mapping(about.get("user"))
    id = _related(related, "vehicle") or identifier(vehicle.get("id"))
    if id is None:
        return None
    permissions = frozenset(one for one in rows(about.get("permissions")) if isinstance(one, str))
    return Granted(
        identifier(said.get("id")),
        id,
        identifier(user.get("id")) or _related(related, "user"),
        text(user.get("externalId")) or None,
        text(vehicle.get("mode")).casefold(),
        vehicle,
        permissions,
    )


def _related(related: Mapping[str, Any], what: str) -> str | None:
    return identifier(mapping(mapping(related.get(what)).get("data")).get("id"))
