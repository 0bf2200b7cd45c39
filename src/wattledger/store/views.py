"""Read-only SQL views for people who query by SQL: the original's table of air conditioners, by its name.

    SELECT device_name, reading_day, sum(delta_kwh) FROM ac_monitoring GROUP BY 1, 2

One row a register report, whatever its verdict: `delta_kwh` is what was booked for it. Telemetry is the
newest that was known when the report came. Instants are UTC, `reading_day` is local to the unit.
"""

# ruff: noqa: S608 - only our own names are put into statements

from __future__ import annotations

from sqlalchemy import Connection, text

TELEMETRY = (
    ("humidity", "humidity_pct", "number"),
    ("temperature_c", "temperature_c", "number"),
    ("air_conditioner_mode", "mode", "text"),
    ("fan_mode", "fan_mode", "text"),
)


def create_views(connection: Connection) -> None:
    """Make every view, in the words of this engine."""
    connection.execute(text(_ac_monitoring(connection.dialect.name == "postgresql").replace(":", r"\:")))


def drop_views(connection: Connection) -> None:
    """Remove every view."""
    connection.execute(text("DROP VIEW IF EXISTS ac_monitoring"))


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


def _said(table: str, key: str, kind: str, postgres: bool) -> str:
    found = _field(f'{table}."values"', key, postgres)
    if kind == "text":
        return found
    return f"CAST({found} AS {'double precision' if postgres else 'REAL'})"


def _field(column: str, key: str, postgres: bool) -> str:
    return f"({column} ->> '{key}')" if postgres else f"json_extract({column}, '$.{key}')"
