"""v2: each path has its own code, time and units; one that failed takes nothing from the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.connectors.smartcar_said import notes, read, said
from tests.payloads.smartcar import AT, CAR, RECEIVED, STAMP, batch, entry, payload, refused
from wattledger.connectors.smartcar.parse import ANSWER, BATCH
from wattledger.errors import BadPayload
from wattledger.faults import sabotage

FETCHED = "2026-07-04T12:04:00Z"
WHOLE = (
    entry("/battery", {"percentRemaining": 0.57, "range": 253.5}),
    entry("/charge", {"isPluggedIn": True, "state": "CHARGING"}),
    entry("/location", {"latitude": 30.2672, "longitude": -97.7431}),
    entry("/odometer", {"distance": 52891.25}),
    entry("/charge/limit", {"limit": 0.8}),
    entry(
        "/battery/nominal_capacity", {"capacity": {"nominal": 78, "source": "SMARTCAR"}, "url": "https://x"}
    ),
)
VALUES = {
    "soc_pct": 57.0, "range_km": 253.5, "plugged_in": True, "charging_state": "CHARGING", "latitude": 30.2672,
    "longitude": -97.7431, "odometer_km": 52891.25, "charge_limit_pct": 80.0, "capacity_kwh": 78.0,
}  # fmt: skip


def test_a_whole_batch_is_one_observation_of_a_named_car() -> None:
    parsed = read(batch(*WHOLE))
    assert [(p.external_id, p.name, p.timezone) for p in parsed.points] == [
        (CAR, "Polestar 2 2023", "America/Chicago")
    ]
    assert parsed.points[0].details == {"make": "POLESTAR", "model": "2", "year": "2023"}
    assert [o.at for o in parsed.observations] == [AT]
    assert said(batch(*WHOLE)) == VALUES
    assert parsed.notes == []


@pytest.mark.parametrize(
    ("path", "body", "values"),
    [
        ("/battery", {"percentRemaining": 0.3, "range": None}, {"soc_pct": 30.0}),
        ("/battery", {"percentRemaining": None, "range": None}, {}),
        ("/battery", {"percentRemaining": 0}, {"soc_pct": 0.0}),
        ("/battery", {"percentRemaining": 1}, {"soc_pct": 100.0}),
        ("/battery", {"percentRemaining": 0.07}, {"soc_pct": 7.0}),
        ("battery/", {"percentRemaining": 0.29}, {"soc_pct": 29.0}),
        ("/battery/capacity", {"capacity": 28}, {"capacity_kwh": 28.0}),
        ("/battery/nominal_capacity", {"capacity": {"nominal": None}, "availableCapacities": []}, {}),
        ("/battery/nominal_capacity", {"capacity": None}, {}),
        ("/charge", {"isPluggedIn": False, "state": "NOT_CHARGING"},
         {"plugged_in": False, "charging_state": "NOT_CHARGING"}),
        ("/charge", {"isPluggedIn": True, "state": "FULLY_CHARGED"},
         {"plugged_in": True, "charging_state": "FULLY_CHARGED"}),
        ("/charge", {"isPluggedIn": None, "state": None}, {}),
        ("/charge", {"state": "PRECONDITIONING"}, {"charging_state": "UNKNOWN"}),
        ("/charge", {"state": "not charging"}, {"charging_state": "NOT_CHARGING"}),
        ("/location", {"latitude": 0, "longitude": 0}, {"latitude": 0.0, "longitude": 0.0}),
        ("/location", {"latitude": None, "longitude": None}, {}),
        ("/charge/limit", {"limit": 1}, {"charge_limit_pct": 100.0}),
        ("/vin", {"vin": "1234A67Q90F2T4567"}, {}),
        ("/fuel", {"percentRemaining": 0.3, "range": 40.5, "amountRemaining": 53.2}, {}),
        ("/tires/pressure", {"backLeft": 219.3}, {}),
        ("/engine/oil", {"lifeRemaining": 0.35}, {}),
    ],
)  # fmt: skip
def test_what_a_path_says(path: str, body: Any, values: dict[str, Any]) -> None:
    assert said(batch(entry(path, body))) == values
    assert said(payload(body, ANSWER, path=path, **{"sc-data-age": STAMP})) == values


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/battery", {"percentRemaining": 57}, "soc_pct is out of bounds"),
        ("/battery", {"percentRemaining": -0.01}, "soc_pct is out of bounds"),
        ("/battery", {"percentRemaining": "0.5"}, "no number"),
        ("/battery", {"percentRemaining": True}, "no number"),
        ("/battery", {"percentRemaining": float("nan")}, ""),
        ("/battery", {"percentRemaining": 10**400}, "no number"),
        ("/battery", {"range": -1}, "range_km is out of bounds"),
        ("/charge", {"isPluggedIn": "yes"}, "neither true nor false"),
        ("/charge", {"state": 3}, "no word"),
        ("/location", {"latitude": 91, "longitude": 0}, "no position on Earth"),
        ("/location", {"latitude": 1, "longitude": -180.5}, "no position on Earth"),
        ("/location", {"latitude": 1}, "no position on Earth"),
        ("/location", {"longitude": 0}, "no position on Earth"),
        ("/location", {"latitude": "30", "longitude": "-97"}, "no position on Earth"),
        ("/charge/limit", {"limit": 80}, "charge_limit_pct is out of bounds"),
        ("/odometer", {"distance": 1e300}, "odometer_km is out of bounds"),
        ("/battery", [1, 2], ""),
        ("/battery", "asleep", ""),
        ("/battery", None, ""),
    ],
)
def test_what_is_wrong_is_not_recorded_and_noted(path: str, body: Any, why: str) -> None:
    made = batch(entry(path, body))
    assert said(made) == {}
    assert why in notes(made)
    assert [p.external_id for p in read(made).points] == [CAR]


@pytest.mark.parametrize("system", ["imperial", "Imperial", " IMPERIAL"])
def test_imperial_distances_become_kilometres_path_by_path(system: str) -> None:
    """The system belongs to one path: its neighbour may be metric. A share of the battery has no unit."""
    made = batch(
        entry("/battery", {"percentRemaining": 0.5, "range": 100}, **{"SC-Unit-System": system}),
        entry("/odometer", {"distance": 100}, **{"sc-unit-system": "metric"}),
    )
    assert said(made) == {"soc_pct": 50.0, "range_km": 160.9344, "odometer_km": 100.0}


def test_an_unknown_system_of_units_loses_the_distance_alone() -> None:
    made = batch(entry("/battery", {"percentRemaining": 0.5, "range": 9}, **{"sc-unit-system": "nautical"}))
    assert said(made) == {"soc_pct": 50.0}
    assert "'nautical' is not known" in notes(made)


def test_sabotage_unit_system_is_noticed() -> None:
    made = batch(entry("/odometer", {"distance": 100}, **{"sc-unit-system": "imperial"}))
    assert said(made)["odometer_km"] == 160.9344
    with sabotage("unit_system"):
        assert said(made)["odometer_km"] != 160.9344


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"sc-data-age": STAMP, "sc-fetched-at": FETCHED}, AT),
        ({"SC-Data-Age": STAMP}, AT),
        ({"sc-fetched-at": FETCHED}, datetime(2026, 7, 4, 12, 4, tzinfo=UTC)),
        ({"sc-data-age": "0", "sc-fetched-at": FETCHED}, datetime(2026, 7, 4, 12, 4, tzinfo=UTC)),
        (
            {"sc-data-age": "1970-01-01T00:00:00Z", "sc-fetched-at": FETCHED},
            datetime(2026, 7, 4, 12, 4, tzinfo=UTC),
        ),
        (
            {"sc-data-age": "2026-07-05T11:55:00Z", "sc-fetched-at": FETCHED},
            datetime(2026, 7, 4, 12, 4, tzinfo=UTC),
        ),
        ({"sc-data-age": "6420"}, RECEIVED),
        ({}, RECEIVED),
        (None, RECEIVED),
        ("junk", RECEIVED),
    ],
)
def test_the_time_is_the_cars_then_the_fetchs_then_that_of_receipt(headers: Any, at: datetime) -> None:
    item = {"path": "/battery", "code": 200, "body": {"percentRemaining": 0.5}, "headers": headers}
    assert [o.at for o in read(batch(item)).observations] == [at]


def test_values_of_different_ages_are_different_observations() -> None:
    older = "2026-07-04T10:08:00Z"
    made = batch(entry("/battery", {"percentRemaining": 0.5}), entry("/odometer", {"distance": 1}, age=older))
    assert {o.at: dict(o.values) for o in read(made).observations} == {
        AT: {"soc_pct": 50.0},
        datetime(2026, 7, 4, 10, 8, tzinfo=UTC): {"odometer_km": 1.0},
    }


@pytest.mark.parametrize(
    ("status", "type", "code", "note"),
    [
        (409, "VEHICLE_STATE", "ASLEEP", "/location: VEHICLE_STATE/ASLEEP"),
        (403, "PERMISSION", None, "/location: PERMISSION"),
        (501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE", "/location: COMPATIBILITY/VEHICLE_NOT_CAPABLE"),
        (502, "UPSTREAM", "RATE_LIMIT", "/location: UPSTREAM/RATE_LIMIT"),
        (430, "BILLING", "VEHICLE_LIMIT", "/location: BILLING/VEHICLE_LIMIT"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_one_failed_path_takes_nothing_from_the_others(
    status: int, type: str, code: str | None, note: str, first: bool
) -> None:
    rest = [one for one in WHOLE if one["path"] != "/location"]
    failed = refused("/location", status, type, code)
    made = batch(*([failed, *rest] if first else [*rest, failed]))
    assert said(made) == {k: v for k, v in VALUES.items() if k not in ("latitude", "longitude")}
    assert read(made).notes == [note]


def test_an_error_with_a_body_that_looks_like_a_value_is_no_value() -> None:
    made = batch({"path": "/battery", "code": 409, "body": {"percentRemaining": 0.9}})
    assert said(made) == {}


@pytest.mark.parametrize("code", ["200", 200, 200.0, None])
def test_a_code_may_be_a_text_or_missing(code: Any) -> None:
    assert said(batch(entry("/battery", {"percentRemaining": 0.5}, code))) == {"soc_pct": 50.0}


def test_a_missing_code_is_judged_by_the_body() -> None:
    failed = {**refused("/battery", 409, "VEHICLE_STATE", "ASLEEP"), "code": None}
    assert read(batch(failed)).notes == ["/battery: VEHICLE_STATE/ASLEEP"]


def test_attributes_within_a_batch_name_the_car() -> None:
    root = entry("/", {"id": CAR, "make": "POLESTAR", "model": "2", "year": 2023})
    assert [p.name for p in read(payload({"responses": [root]}, BATCH)).points] == ["Polestar 2 2023"]


def test_a_car_of_which_nothing_is_known_is_a_car() -> None:
    assert [p.name for p in read(payload({"responses": []}, BATCH)).points] == ["Car"]


@pytest.mark.parametrize("body", [{}, {"responses": None}, {"type": "RATE_LIMIT"}, [], b"<html>", b"", b"[]"])
def test_what_is_no_batch_is_a_bad_payload(body: Any) -> None:
    with pytest.raises(BadPayload):
        read(payload(body, BATCH))


@pytest.mark.parametrize("vehicle", [None, "", "a/b", "x" * 129, "é", "-a"])
def test_a_batch_of_nobody_is_a_bad_payload(vehicle: str | None) -> None:
    with pytest.raises(BadPayload):
        read(payload({"responses": list(WHOLE)}, BATCH, vehicle))
