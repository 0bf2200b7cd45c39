"""Car connections as the sources show them: state, each car's allowance of calls, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattledger.connectors.base import ENDING
from wattledger.store.sources.connections import ConnectionRow
from wattledger.store.sources.outcome import STOPPED
from wattledger.web.contracts.ev.app import missing
from wattledger.web.contracts.ev.cars import (
    NAME,
    Car,
    cars,
    connections,
    keeps_location,
    lost_since,
    missing_of,
    trouble_of,
    version_of,
)
from wattledger.web.contracts.ev.disconnect import UNTOLD
from wattledger.web.hub import Hub
from wattledger.web.pages import words

STATES = {"ok": "Working.", "late": "Late: it is tried again by itself.", "never": "Not asked yet."}
SIGN_IN = "Sign in again and choose the same cars: {}. What was recorded stays."
REFUSED_SHOWN = timedelta(days=7)
V2_ENDS = (
    "This uses version 2 of Smartcar's API, which Smartcar is about to end (announced for the end of 2026). "
    "Set SMARTCAR_API_CLIENT_ID and SMARTCAR_API_CLIENT_SECRET, then sign in again."
)
KNOWN = {
    "battery": "state of charge and range",
    "charge": "charging",
    "location": "where it is",
    "odometer": "distance driven",
    "vin": "its VIN",
}
"""by the first word of a path (`/charge/limit`) or of a signal's group (`charge-limits`)"""
GROUPS = {"tractionbattery": "battery", "lowvoltagebattery": "battery", "vehicleidentification": "vin"}


@dataclass(frozen=True, slots=True)
class CarLine:
    """One car of a connection."""

    car: Car
    level: str
    """good or caution"""
    sentence: str
    left: str
    """how many calls the month still has"""
    withheld: str | None
    """what the vendor has no permission for"""


@dataclass(frozen=True, slots=True)
class CarSource:
    """One connection as it is shown."""

    row: ConnectionRow
    level: str
    """good, caution or bad"""
    sentence: str
    lines: Sequence[CarLine]
    todo: str | None = None
    old: str | None = None
    """that this generation of the vendor's API comes to its end"""


@dataclass(frozen=True, slots=True)
class CarSources:
    """The card about cars."""

    sources: Sequence[CarSource]
    unset: Sequence[str]
    """variables without which no car can be connected"""
    version: str
    untold: Sequence[str]
    """of what was let go and Smartcar has not confirmed, a sentence each"""


async def car_sources(found: Hub, site: str) -> CarSources:
    """The card about cars of a site, judged now."""
    known, now = await cars(found.store, site), found.clock.now()
    most = found.settings.smartcar_monthly_calls
    judged = []
    for row in await connections(found.store, site):
        mine = [car for car in known if car.row.active and car.row.connection == row.id]
        stopped = row.state in STOPPED
        judged.append(judge(row, [line(car, most, now, stopped) for car in mine], now))
    names = {car.row.external_id: car.row.name for car in known}
    rows = [row for row in await found.store.connections.list(site) if row.connector == NAME]
    untold = [said for row in rows if (said := untold_of(row, names, now))]
    return CarSources(judged, missing(found.settings), version_of(found.settings), untold)


def untold_of(row: ConnectionRow, names: Mapping[str, str], now: datetime) -> str | None:
    """What the vendor makes of cars that were let go; what it refused is shown for a week."""
    if ids := row.options.get(ENDING):
        who = " and ".join(sorted(names.get(id, "A car") for id in ids))
        why = f" {row.last_error}" if row.state == "disconnected" and row.last_error else ""
        return f"{who}: removed; Smartcar has not confirmed it yet and is told again until it does.{why}"
    refused = row.state == "disconnected" and row.last_error and row.last_asked
    if not refused or now - refused > REFUSED_SHOWN:
        return None
    return f"Removed. {UNTOLD} {row.last_error}"


def judge(row: ConnectionRow, lines: Sequence[CarLine], now: datetime) -> CarSource:
    """A connection in words."""
    heard = f" Last success {words.age(row.last_success, now)}." if row.last_success else ""
    old = V2_ENDS if row.options.get("api") == "v2" else None
    if row.state == "needs_login":
        said = f"Stopped: {row.last_error or 'Smartcar no longer lets us in.'}{heard}"
        return CarSource(row, "bad", said, lines, _sign_in(lines), old)
    if row.state == "misconfigured":
        said = f"{row.last_error or 'A setting is wrong.'}{heard}"
        return CarSource(row, "bad", said, lines, "Correct the setting, then collect.", old)
    said = STATES.get(row.state, row.state) + heard
    if row.last_error:
        said = f"{said} {row.last_error}"
    fine = row.state == "ok" and all(one.level == "good" for one in lines)
    todo = _sign_in(lines) if any(lost_since(one.car.row) for one in lines) else None
    return CarSource(row, "good" if fine else "caution", said, lines, todo, old)


def _sign_in(lines: Sequence[CarLine]) -> str:
    """Cars that are not chosen again are out of use, so all are named, whichever it is for."""
    return SIGN_IN.format(", ".join(one.car.row.name for one in lines) or "those that you had")


def line(car: Car, most: int, now: datetime, stopped: bool = False) -> CarLine:
    """A car in words; with its connection `stopped` it is not asked."""
    trouble, next_at = trouble_of(car.row.status), car.row.next_poll_at
    asked = f"Asked again in {words.length(next_at - now)}." if next_at and next_at > now else "Asked soon."
    asked = "Not asked until then." if stopped else asked
    if not keeps_location(car.row):
        asked = f"{asked} Its location is not asked for."
    said = f"{trouble} {asked}" if trouble else asked
    left = f"{max(0, most - car.row.calls)} of {most} calls left this month"
    return CarLine(car, "caution" if trouble else "good", said, left, withheld(missing_of(car.row.status)))


def withheld(names: Sequence[str]) -> str | None:
    """What a car does not tell for want of permission, in words; None for nothing."""
    heads = (name.strip("/").replace("-", "/").partition("/")[0].lower() for name in names)
    told = dict.fromkeys(KNOWN.get(GROUPS.get(head, head), head) for head in heads)
    return ", ".join(told) or None
