"""What Home Assistant is told: every usage point and source of a site as a thing with values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger import localday
from wattledger.model import Flow, PointKind
from wattledger.store import Store
from wattledger.store.ledger.standing import Standing, standings
from wattledger.store.observed.observations import Said
from wattledger.store.rows import UsagePointRow
from wattledger.store.sources.connections import ConnectionRow
from wattledger.units import kwh

TokenEnd = Callable[[ConnectionRow], Awaitable[datetime | None]]
"""when the token that a person pasted into a connection ends; None where none was"""
MODELS = {
    PointKind.METER: "Electricity meter",
    PointKind.VEHICLE: "Car",
    PointKind.APPLIANCE: "Air conditioner",
}
TOLD = (
    "soc_pct", "charging_state", "plugged_in", "charge_kw", "range_km", "temperature_c", "setpoint_c",
    "humidity_pct", "switch", "mode",
)  # fmt: skip
"""values of observations that are passed on as they are; where a car is never is one"""
TITLES = {"smartthings": "SmartThings", "smartcar": "Smartcar", "smart_meter_texas": "Smart Meter Texas"}
STATES = {
    "ok": "fine",
    "late": "late",
    "never": "not yet asked",
    "needs_login": "sign-in needed",
    "misconfigured": "setting wrong",
    "disconnected": "disconnected",
}


@dataclass(frozen=True, slots=True)
class Thing:
    """A device in Home Assistant's sense. `values` are JSON's own types, none of them null."""

    id: str
    name: str
    model: str
    values: Mapping[str, Any] = field(default_factory=dict)


async def things(store: Store, sites: Collection[str], token_end: TokenEnd) -> list[Thing]:
    """All things of these sites."""
    found: list[Thing] = []
    for site in sites:
        points = await store.points.list(site)
        said = await store.observations.latest(points)
        stands = await standings(store.database, [point.n for point in points])
        found += [point_thing(point, stands, said.get(point.n, {})) for point in points]
        found += [source_thing(row, await token_end(row)) for row in await store.connections.list(site)]
    return found


def point_thing(
    point: UsagePointRow, stands: Mapping[tuple[int, Flow], Standing], said: Mapping[str, Said]
) -> Thing:
    """A usage point: the register of its ledger, and what it said last."""
    values: dict[str, Any] = {name: said[name].value for name in TOLD if name in said}
    for name, flow in (("energy", Flow.DELIVERED), ("energy_sent", Flow.RECEIVED)):
        if stand := stands.get((point.n, flow)):
            values[name] = kwh(stand.wh)
    if stand := stands.get((point.n, Flow.DELIVERED)):
        values["newest_day"] = localday.day(stand.newest).isoformat()
    if "charging_state" in values:
        values["charging"] = values["charging_state"] == "CHARGING"
    kept = {name: value for name, value in values.items() if value is not None}
    return Thing(point.id, point.name, MODELS[PointKind(point.kind)], kept)


def source_thing(row: ConnectionRow, ends: datetime | None) -> Thing:
    """A source: how collecting goes, and when a pasted token ends."""
    values: dict[str, Any] = {
        "source": STATES.get(row.state, row.state),
        "needs_person": row.state in ("needs_login", "misconfigured"),
    }
    if row.last_success is not None:
        values["last_success"] = row.last_success.isoformat()
    if ends is not None:
        values["token_ends"] = ends.isoformat()
    title = TITLES.get(row.connector, row.connector)
    return Thing(row.id, f"{title} (source)", "Source", values)
