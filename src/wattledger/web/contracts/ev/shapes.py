"""What the answers about cars look like, for the OpenAPI document alone (see `v1.shapes`)."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from wattledger.web.v1.shapes import Shape

ChargingState = Literal["CHARGING", "FULLY_CHARGED", "NOT_CHARGING"]


class Url(Shape):
    """Where the browser goes to let us reach cars."""

    url: str


class Calls(Shape):
    """Vendor calls of a calendar month (UTC)."""

    month: str
    used: int
    most: int
    left: int


class Vehicle(Shape):
    """A car; `state` is its connection's, `trouble` what is wrong with this car alone."""

    id: str
    name: str
    make: str | None
    model: str | None
    year: int | None
    primary: bool
    active: bool
    state: str
    connection: str | None
    location: bool
    capacity_kwh: float | None
    efficiency: float
    missing: list[str]
    trouble: str | None
    next_poll_at: AwareDatetime | None
    calls: Calls
    connected_at: AwareDatetime


class Vehicles(Shape):
    """A site's cars: those in use first, the primary before all."""

    vehicles: list[Vehicle]


class Disconnected(Shape):
    """What was let go; `revoked` is false where the vendor could not be told."""

    ok: Literal[True]
    vehicles: list[str]
    revoked: bool
    message: str | None


class Status(Shape):
    """How the site's cars are connected, by the primary."""

    connected: bool
    vehicle_label: str | None
    last_sync_at: AwareDatetime | None
    status: Literal["connected", "needs_attention", "not_connected"]
    message: str | None
    vehicle_id: str | None
    vehicles: int
    api: Literal["v2", "v3"]


class Reading(Shape):
    """What a car said at one moment; null where it did not say."""

    recorded_at: AwareDatetime | None
    soc_pct: float | None
    charging_state: ChargingState | None
    latitude: float | None
    longitude: float | None
    plugged_in: bool | None
    range_km: float | None
    odometer_km: float | None
    capacity_kwh: float | None
    charge_limit_pct: float | None
    charge_kw: float | None
    energy_added_wh: float | None
    time_to_complete_min: float | None


class Telemetry(Reading):
    """The newest of each value; `reason` says why the car was not asked just now."""

    vehicle_id: str
    age_seconds: int | None
    stale: bool
    reason: str | None
    missing: list[str]


class History(Shape):
    """What a car said, oldest first; `next` goes into `after` for the following page."""

    vehicle_id: str
    telemetry: list[Reading]
    next: str | None
