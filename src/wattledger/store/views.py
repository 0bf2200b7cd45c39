"""Read-only SQL views for people who query by SQL: tables of the originals, by their names.

    SELECT device_name, reading_day, sum(delta_kwh) FROM ac_monitoring GROUP BY 1, 2

ac_monitoring      one row a register report, whatever its verdict: `delta_kwh` is what was booked for it;
                   telemetry is the newest that was known when the report came
vehicle_accounts   one row a vehicle: whose it is and whether it is in use
vehicle_telemetry  one row a moment at which a vehicle told its charge; no place, as places are sealed

Instants are UTC, `reading_day` is local to the unit.
"""

# ruff: noqa: S608 - only our own names are put into statements

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

TELEMETRY = (
    ("humidity", "humidity_pct", "number"),
    ("temperature_c", "temperature_c", "number"),
    ("air_conditioner_mode", "mode", "text"),
    ("fan_mode", "fan_mode", "text"),
)


AIR_CONDITIONERS = ("ac_monitoring",)
VEHICLES = ("vehicle_accounts", "vehicle_telemetry")


def create_views(connection: Connection, names: Sequence[str]) -> None:
    """Make views, in the words of this engine."""
    postgres = connection.dialect.name == "postgresql"
    for name in names:
        connection.execute(text(_MADE[name](postgres).replace(":", r"\:")))


def drop_views(connection: Connection, names: Sequence[str]) -> None:
    """Remove views."""
    for name in names:
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))


def _ac_monitoring(postgres: bool) -> str:
    known = ", ".join(
        f"(SELECT {_said('p', key, kind, postgres)} FROM observation p WHERE p.usage_point = o.usage_point"
        f" AND p.at <= y.received_at AND p.payload <= o.payload"
        f" AND {_said('p', key, kind, postgres)} IS NOT NULL ORDER BY p.at DESC LIMIT 1) AS {name}"
        for name, key, kind in TELEMETRY
    )
    day = "date '1970-01-01' + o.day" if postgres else "date(o.day * 86400, 'unixepoch')"
    wide = "double precision" if postgres else "REAL"
    place = _field("u.details", "location", postgres)
    place_id = _field("u.details", "location_id", postgres)
    return (
        "CREATE VIEW ac_monitoring AS SELECT u.name AS device_name,"
        f" coalesce({place}, {place_id}) AS location,"
        f" CAST(coalesce(o.booked_wh, '0') AS {wide}) / 1000.0 AS delta_kwh,"
        f" {_said('o', 'register_wh', 'number', postgres)} AS cumulative_wh,"
        f" {day} AS reading_day, y.received_at AS timestamp, {known},"
        f" o.at AS api_timestamp, {_field('u.details', 'device_id', postgres)} AS device_id,"
        " o.verdict AS verdict, u.site AS site"
        " FROM observation o JOIN usage_point u ON u.n = o.usage_point JOIN payload y ON y.id = o.payload"
        " WHERE o.verdict IS NOT NULL AND u.kind = 'appliance'"
    )


def _vehicle_accounts(postgres: bool) -> str:
    active, primary = (f"v.{name} = 1" if postgres else f"v.{name}" for name in ("is_active", "is_primary"))
    return (
        "CREATE VIEW vehicle_accounts AS SELECT u.id AS id, v.person AS user_id, u.connector AS provider,"
        f" u.external_id AS provider_vehicle_id, u.name AS display_name, {active} AS is_active,"
        f" {primary} AS is_primary, v.created_at AS created_at, v.updated_at AS updated_at, u.site AS site"
        " FROM vehicle v JOIN usage_point u ON u.n = v.usage_point"
    )


def _vehicle_telemetry(postgres: bool) -> str:
    soc = _said("o", "soc_pct", "number", postgres)
    state = _said("o", "charging_state", "text", postgres)
    return (
        "CREATE VIEW vehicle_telemetry AS SELECT u.id AS vehicle_account_id, o.at AS recorded_at,"
        f" {soc} AS soc_pct, {state} AS charging_state"
        " FROM observation o JOIN usage_point u ON u.n = o.usage_point"
        f" WHERE u.kind = 'vehicle' AND ({soc} IS NOT NULL OR {state} IS NOT NULL)"
    )


def _said(table: str, key: str, kind: str, postgres: bool) -> str:
    found = _field(f'{table}."values"', key, postgres)
    if kind == "text":
        return found
    return f"CAST({found} AS {'double precision' if postgres else 'REAL'})"


def _field(column: str, key: str, postgres: bool) -> str:
    return f"({column} ->> '{key}')" if postgres else f"json_extract({column}, '$.{key}')"


_MADE = {
    "ac_monitoring": _ac_monitoring,
    "vehicle_accounts": _vehicle_accounts,
    "vehicle_telemetry": _vehicle_telemetry,
}
