"""A site's cars as the car routes and pages find and show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattledger.config import Settings
from wattledger.connectors.smartcar.car import LOST
from wattledger.errors import NotFound
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.hub import Hub
from wattledger.web.parameters import public_id

NAME = "smartcar"
EFFICIENCY = 0.9
"""of charging, where the owner named none"""
NO_VEHICLE = "No vehicle is connected here."


@dataclass(frozen=True, slots=True)
class Car:
    """A vehicle with the connection that reaches it; None for one that is not in use."""

    row: VehicleRow
    connection: ConnectionRow | None

    @property
    def state(self) -> str:
        """The connection's state, `disconnected` without one."""
        return self.connection.state if self.connection else "disconnected"

    @property
    def active(self) -> bool:
        """Whether it is in use and its account may be asked."""
        return self.row.active and self.state not in ("needs_login", "disconnected")


def version_of(settings: Settings) -> str:
    """The generation of the vendor's API that new connections use: `v3` once its credentials are set."""
    if settings.smartcar_api_version:
        return settings.smartcar_api_version
    ready = settings.smartcar_api_client_id and settings.smartcar_api_client_secret
    return "v3" if ready else "v2"


def mode_of(settings: Settings) -> str:
    """`live` or `simulated`; the setting's `sandbox` is the latter."""
    return "live" if settings.smartcar_mode == "live" else "simulated"


async def connections(store: Store, site: str | None) -> list[ConnectionRow]:
    """The car connections of a site that were not ended, oldest first."""
    rows = await store.connections.list(site)
    return [row for row in rows if row.connector == NAME and row.state != "disconnected"]


async def cars(store: Store, site: str | None) -> list[Car]:
    """Every car of a site: those in use first, the primary before all."""
    known = {row.id: row for row in await store.connections.list(site) if row.connector == NAME}
    return [Car(row, known.get(row.connection or "")) for row in await store.vehicles.list(site)]


async def car_of(found: Hub, site: str | None, id: str) -> Car:
    """One car of a site. Raises NotFound, also for another site's."""
    return await reached(found.store, await found.store.vehicles.get(public_id(id, "vehicle"), site))


async def chosen(found: Hub, site: str, id: str | None) -> Car:
    """The car that is named, else the primary. Raises NotFound."""
    if id is not None:
        return await car_of(found, site, id)
    row = await found.store.vehicles.primary(site)
    if row is None:
        raise NotFound(NO_VEHICLE)
    return await reached(found.store, row)


async def reached(store: Store, row: VehicleRow) -> Car:
    """A vehicle with its connection."""
    return Car(row, await store.connections.get(row.connection, row.site) if row.connection else None)


def keeps_location(row: VehicleRow) -> bool:
    """Whether its owner lets us know where it is: yes, unless turned off."""
    return row.options.get("location") is not False


def missing_of(status: Mapping[str, Any]) -> list[str]:
    """What the vendor withholds for want of permission."""
    listed = status.get("missing")
    return sorted(map(str, listed)) if isinstance(listed, list | tuple) else []


def car_json(found: Hub, car: Car) -> dict[str, Any]:
    """A car as JSON, without anything secret and without where it is."""
    row, details = car.row, car.row.details
    most = found.settings.smartcar_monthly_calls
    return {
        "id": row.id,
        "name": row.name,
        "make": details.get("make"),
        "model": details.get("model"),
        "year": _number(details.get("year")),
        "primary": row.primary,
        "active": car.active,
        "state": car.state,
        "connection": row.connection,
        "location": keeps_location(row),
        "capacity_kwh": row.options.get("capacity_kwh"),
        "efficiency": row.options.get("efficiency", EFFICIENCY),
        "missing": missing_of(row.status),
        "trouble": trouble_of(row.status),
        "next_poll_at": row.next_poll_at,
        "calls": {"month": row.month, "used": row.calls, "most": most, "left": max(0, most - row.calls)},
        "connected_at": row.created_at,
    }


def trouble_of(status: Mapping[str, Any]) -> str | None:
    """What is wrong with one car, in words."""
    trouble = status.get("trouble")
    if not isinstance(trouble, Mapping):
        return None
    return str(trouble.get("message") or trouble.get("kind") or "") or None


def lost_since(row: VehicleRow) -> datetime | None:
    """Since when a car waits for its owner to sign in again; None where it does not."""
    trouble = row.status.get("trouble")
    if not isinstance(trouble, Mapping) or trouble.get("then") not in LOST:
        return None
    return datetime.fromisoformat(trouble["at"])


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None
