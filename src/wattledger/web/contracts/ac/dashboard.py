"""GET /dashboard and /dashboard/hourly: units side by side, by device and never by name."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from wattledger.store.people.principal import Principal
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.climate import Unit, units
from wattledger.web.hub import hub

router = APIRouter(tags=["Air conditioners"])


@router.get("/dashboard")
async def dashboard(
    request: Request,
    person: User,
    deviceId: str | None = None,  # noqa: N803
    location: str | None = None,
) -> Json:
    """List units with today's energy, the last 24 hours' and the newest telemetry."""
    return Json([_unit(unit) for unit in await _asked(request, person, deviceId, location)])


@router.get("/dashboard/hourly")
async def hourly(
    request: Request,
    person: User,
    deviceId: str | None = None,  # noqa: N803
    location: str | None = None,
) -> Json:
    """List the last 24 hours of each unit by hour of the site's clock; unknown hours are left out."""
    return Json([_hourly(unit) for unit in await _asked(request, person, deviceId, location)])


async def _asked(request: Request, person: Principal, device: str | None, location: str | None) -> list[Unit]:
    found = hub(request)
    site = await found.store.sites.get(person.site)
    listed = await units(found.store, site.id, site.timezone, found.clock.now())
    return [u for u in listed if matches(u.point.details, u.device, device, location)]


def matches(details: dict[str, str], own: str, device: str | None, location: str | None) -> bool:
    """Whether a unit is the device and at the location (id or name) that were asked for, if any were."""
    there = (details.get("location", ""), details.get("location_id", ""))
    return (not device or own == device) and (not location or location in there)


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        **_identity(unit),
        "todayKWh": kwh(unit.today),
        "rolling24hKWh": kwh(unit.rolling),
        "lastUpdate": unit.newest,
        "humidity": tenth(unit.value("humidity_pct")),
        "temperatureC": tenth(unit.value("temperature_c")),
        "airConditionerMode": unit.value("mode"),
        "fanMode": unit.value("fan_mode"),
        "setpointC": tenth(unit.value("setpoint_c")),
        "switch": unit.value("switch"),
        "powerW": unit.value("power_w"),
        "health": unit.value("health"),
    }


def _hourly(unit: Unit) -> dict[str, Any]:
    hours = [{"hour": h.start, "kWh": kwh(h.wh)} for h in unit.hours if h.wh is not None]
    return {**_identity(unit), "hourly": hours}


def _identity(unit: Unit) -> dict[str, Any]:
    details = unit.point.details
    return {
        "deviceId": unit.device,
        "component": details.get("component", "main"),
        "deviceName": unit.point.name,
        "location": unit.location,
        "locationId": details.get("location_id"),
        "room": details.get("room"),
        "usagePoint": unit.point.id,
    }


def kwh(wh: float) -> float:
    """Wh as kWh with three decimals."""
    return round(wh / 1000, 3)


def tenth(value: Any) -> float | None:
    """A number with one decimal; None for everything else."""
    return round(float(value), 1) if isinstance(value, int | float) else None
