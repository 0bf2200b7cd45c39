"""From what the store has of all sites to the plain values that alerts are judged from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger import connectors
from wattledger.insight.alert_findings import File
from wattledger.insight.alerts import SLACK
from wattledger.insight.expectations import Car, Meter, Relay, Source, Unit
from wattledger.store import Store
from wattledger.store.alerts.seen import ConnectionSeen, FileSeen, MeterSeen, UnitSeen
from wattledger.store.sources.heartbeats import HeartbeatRow
from wattledger.store.sources.vehicles import VehicleRow
from wattledger.web.climate import offline_since
from wattledger.web.contracts.ac import pasted
from wattledger.web.contracts.ev.cars import trouble_of

FILES_FOR = timedelta(days=30)
MOST_FILES = 20
"""rejected files of a site that are alerts each"""
FOR_A_PERSON = {"reconnect", "owner", "gone"}
A_ROUND = timedelta(hours=1)
"""for a car whose turn has come: one round may fail, and is tried again within it"""
RUNNING = {"ok", "late", "never"}
FAILED_CALLS = 3
"""in a row, from which on a unit counts as unread"""


@dataclass(slots=True)
class Seen:
    """By site, all that is judged every minute; `meters` also as the store has them."""

    sources: dict[str, list[Source]] = field(default_factory=lambda: defaultdict(list))
    cars: dict[str, list[Car]] = field(default_factory=lambda: defaultdict(list))
    units: dict[str, list[Unit]] = field(default_factory=lambda: defaultdict(list))
    meters: dict[str, list[MeterSeen]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[File]] = field(default_factory=lambda: defaultdict(list))
    relays: list[Relay] = field(default_factory=list)


async def seen(store: Store, now: datetime, every_minutes: float) -> Seen:
    """What there is of all sites now: a handful of queries."""
    found = Seen()
    rows = {row.id: row for row in await store.seen.connections(pasted.NAME)}
    vehicles = await store.vehicles.list(None, active_only=True)
    named: dict[str | None, list[str]] = defaultdict(list)
    for vehicle in vehicles:
        named[vehicle.connection].append(vehicle.name)
    for row in rows.values():
        found.sources[row.site].append(source_of(row, named[row.id]))
    for vehicle in vehicles:
        connection = rows.get(vehicle.connection or "")
        if connection is not None and _heard(connection, now):
            found.cars[vehicle.site].append(car_of(vehicle, A_ROUND))
    works = {row.site: row for row in rows.values() if row.connector == pasted.NAME and _heard(row, now)}
    for unit in await store.seen.units(now):
        if unit.site in works:
            found.units[unit.site].append(unit_of(unit, works[unit.site]))
    for meter in await store.seen.meters():
        found.meters[meter.site].append(meter)
    for file in await store.seen.files(now - FILES_FOR):
        if len(found.files[file.site]) < MOST_FILES:
            found.files[file.site].append(file_of(file))
    found.relays = [relay_of(beat, every_minutes) for beat in await store.connections.heartbeats()]
    return found


def source_of(row: ConnectionSeen, names: Sequence[str] = ()) -> Source:
    """A connection as it is judged; `names` of the cars that it reaches."""
    window = pasted.window_of(row.secrets)
    title = connectors.connector(row.connector).title
    title = f"{title} ({', '.join(names)})" if names else title
    every = _every(row.connector) if connectors.connector(row.connector).every else None
    ends = window.expires if window else None
    return Source(row.id, title, row.state, row.success, row.made, every, row.error, ends, row.unheard)


def car_of(row: VehicleRow, every: timedelta) -> Car:
    """A car as it is judged, from what its last round noted."""
    trouble = row.status.get("trouble")
    then = str(trouble.get("then")) if isinstance(trouble, Mapping) else ""
    faults = row.status.get("faults")
    return Car(
        row.id,
        row.name,
        row.next_poll_at,
        every,
        row.created_at,
        success_of(row),
        faults if isinstance(faults, int) else 0,
        trouble_of(row.status),
        then in FOR_A_PERSON,
    )


def unit_of(row: UnitSeen, connection: ConnectionSeen) -> Unit:
    """An appliance as it is judged: calls that failed count while the newest of them is of the last round."""
    every, last = _every(connection.connector), connection.success or connection.made
    failing = len(row.failed) >= FAILED_CALLS and row.failed[-1] > last - every
    return Unit(row.id, row.name, every, offline_since(row.said), row.failed[0] if failing else None)


def success_of(row: VehicleRow) -> datetime | None:
    """When a car last answered."""
    return _instant(row.status.get("success_at"))


def meter_of(row: MeterSeen) -> Meter:
    """A meter as it is judged."""
    return Meter(row.id, row.name, row.end, row.made, row.fed)


def file_of(row: FileSeen) -> File:
    """A rejected payload as it is judged."""
    name = row.filename or f"file {row.id}"
    return File(row.id, name, row.received, row.reason or "It could not be read.", row.poison)


def relay_of(beat: HeartbeatRow, every_minutes: float) -> Relay:
    """A relay as it is judged."""
    reason = beat.line.get("error") or beat.line.get("reason")
    every = period_of(beat.line, every_minutes)
    return Relay(beat.name, beat.at, beat.good_at or beat.at, every, str(reason) if reason else None)


def period_of(line: Mapping[str, Any], minutes: float) -> timedelta:
    """How often a relay runs: as it says itself, else every `minutes`."""
    said = line.get("every_minutes")
    return timedelta(minutes=said if isinstance(said, int | float) and 0 < said < 100_000 else minutes)


def meters_of(rows: Sequence[MeterSeen]) -> list[Meter]:
    """Meters as they are judged."""
    return [meter_of(row) for row in rows]


def _heard(row: ConnectionSeen, now: datetime) -> bool:
    """Whether a connection itself is in order: else it is the connection that is told of."""
    success = row.success or row.made
    return row.state in RUNNING and now <= success + _every(row.connector) + SLACK


def _every(connector: str) -> timedelta:
    """A connector's period; with cars, which have schedules of their own, a failed round's hour more."""
    one = connectors.connector(connector)
    return (one.every or timedelta(minutes=30)) + (A_ROUND if one.pointwise else timedelta(0))


def _instant(said: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
