"""What webhooks of every version say of a car."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.connectors.smartcar_said import notes, read, said
from tests.payloads.smartcar import (
    AT,
    CAR,
    MS,
    RECEIVED,
    entry,
    error,
    event,
    flat,
    payload,
    refused,
    scheduled,
    state,
    trouble,
    verify,
)
from wattledger.connectors.smartcar.parse import WEBHOOK
from wattledger.errors import BadPayload
from wattledger.faults import sabotage
from wattledger.model import Payload

SOC = "tractionbattery-stateofcharge"
PERCENT = {"value": 57, "unit": "percent"}
DELIVERED = AT + timedelta(minutes=2)
THIRD = {"version": "3.0", "deliveredAt": MS // 1000 + 120}


def hook(body: Any, vehicle: str | None = None) -> Payload:
    return payload(body, WEBHOOK, vehicle)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("vehicle", [None, CAR])
def test_a_state_of_version_4(inside: bool, vehicle: str | None) -> None:
    made = hook(
        state(
            flat(SOC, PERCENT),
            flat("charge-ischarging", {"value": True}),
            flat("charge-wattage", {"value": 8000, "unit": "watts"}, "ERROR"),
            flat("location-preciselocation", {"latitude": 30.25, "longitude": -97.75}),
            flat("internalcombustionengine-fuellevel", {"value": 0.77}),
            inside=inside,
        ),
        vehicle,
    )
    parsed = read(made)
    assert [(p.external_id, p.name) for p in parsed.points] == [(CAR, "Polestar 2 2023")]
    assert [o.at for o in parsed.observations] == [AT]
    assert said(made) == {
        "soc_pct": 57.0,
        "charging_state": "CHARGING",
        "latitude": 30.25,
        "longitude": -97.75,
    }


@pytest.mark.parametrize(
    ("item", "values"),
    [
        (flat(SOC, PERCENT, None), {"soc_pct": 57.0}),
        (flat(SOC, {"percentage": 75}, None), {"soc_pct": 75.0}),
        (flat(SOC, {"value": 57}), {}),
        (flat(SOC, None), {}),
        (flat(SOC, {}, None), {}),
        (flat(SOC, PERCENT, meta={"oemUpdatedAt": 0, "fetchedAt": MS}), {"soc_pct": 57.0}),
        (flat(SOC, PERCENT, meta={}), {}),
        (flat(SOC, PERCENT, meta={"oemUpdatedAt": 0, "retrievedAt": 0}), {}),
        ({"group": "TractionBattery", "name": "StateOfCharge", "body": PERCENT, "meta": {"oemUpdatedAt": MS}},
         {"soc_pct": 57.0}),
        ({"body": PERCENT, "meta": {"oemUpdatedAt": MS}}, {}),
        ("tractionbattery-stateofcharge", {}),
    ],
)  # fmt: skip
def test_variants_of_signals(item: Any, values: dict[str, Any]) -> None:
    assert said(hook(state(item))) == values


@pytest.mark.parametrize(
    "meta",
    [
        {"deliveredAt": MS + 120_000}, {"deliveredAt": "2026-07-04T11:57:00.000Z"},
        {"deliveredAt": MS // 1000 + 120},
        {"deliveredAt": None, "deliveryTime": "2026-07-04T11:57:00Z"},
        {"deliveredAt": None, "deliveryTimestamp": MS + 120_000},
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [False, True])
def test_every_form_of_the_time_of_delivery(meta: dict[str, Any], inside: bool) -> None:
    """It stands in for signals of version 3.0, which have no times."""
    made = state(flat(SOC, PERCENT, meta={}), meta={"version": "3.0", **meta}, inside=inside)
    assert [o.at for o in read(hook(made)).observations] == [DELIVERED]


@pytest.mark.parametrize(
    "trigger",
    [
        {
            "type": "SIGNAL_UPDATED",
            "signal": {"code": SOC, "name": "StateOfCharge", "group": "TractionBattery"},
        },
        {"type": "SIGNAL_UPDATED", "signal": SOC},
        {"type": "SIGNAL_UPDATED", "signal": "TractionBattery.StateOfCharge"},
        {"code": SOC, "name": "StateOfCharge", "group": "TractionBattery"},
        SOC,
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_what_has_just_changed_is_as_young_as_the_delivery(trigger: Any, inside: bool) -> None:
    items = (
        flat(SOC, PERCENT, meta={}),
        flat("odometer-traveleddistance", {"value": 1, "unit": "km"}, meta={}),
    )
    made = hook(state(*items, triggers=[trigger], inside=inside))
    assert said(made) == {"soc_pct": 57.0}
    assert [o.at for o in read(made).observations] == [DELIVERED]
    assert "odometer-traveleddistance: without a time" in notes(made)


@pytest.mark.parametrize(
    "trigger", [{"type": "FIRST_DELIVERY"}, {"code": "FIRST_DELIVERY"}, None, 5, {"signal": None}]
)
def test_a_first_delivery_makes_nothing_young(trigger: Any) -> None:
    assert said(hook(state(flat(SOC, PERCENT, meta={}), triggers=[trigger]))) == {}


def test_a_time_of_its_own_goes_before_that_of_delivery() -> None:
    made = hook(state(flat(SOC, PERCENT), triggers=[{"signal": SOC}], meta=THIRD))
    assert [o.at for o in read(made).observations] == [AT]


@pytest.mark.parametrize(
    ("errors", "values"),
    [
        ([error("VEHICLE_STATE", "UNREACHABLE")], {"trouble": "VEHICLE_STATE/UNREACHABLE"}),
        ([error("VEHICLE_STATE", "UNREACHABLE", "RESOLVED")], {"resolved": "VEHICLE_STATE/UNREACHABLE"}),
        ([error("BILLING", None), error("UPSTREAM", "NO_RESPONSE"), error("BILLING", None)],
         {"trouble": "BILLING, UPSTREAM/NO_RESPONSE"}),
        ([error("A", "B"), error("C", "D", "RESOLVED")], {"trouble": "A/B", "resolved": "C/D"}),
        ([error("COMPATIBILITY", "VEHICLE_NOT_CAPABLE", signals=[{"code": SOC}, "closure-x"])],
         {"trouble": "COMPATIBILITY/VEHICLE_NOT_CAPABLE"}),
        ([error("PERMISSION", "UNKNOWN", signals=["vehicleuseraccount-permissions"])], {}),
        ([error("PERMISSION", "UNKNOWN", signals=["VehicleUserAccount.Role"])], {}),
        ([error("X", "Y", "SOMETHING")], {}),
        ([], {}), ([None, 3, "x"], {}),
    ],
)  # fmt: skip
def test_errors(errors: list[Any], values: dict[str, Any]) -> None:
    made = hook(trouble(*errors))
    assert said(made) == values
    assert {o.at for o in read(made).observations} <= {DELIVERED}
    assert [p.external_id for p in read(made).points] == [CAR]


def test_an_error_that_says_no_time_is_as_old_as_its_receipt() -> None:
    made = hook(trouble(error("A", "B"), meta={"deliveredAt": 0}))
    assert [o.at for o in read(made).observations] == [RECEIVED]


@pytest.mark.parametrize(
    "body",
    [
        state(flat(SOC, PERCENT), meta={"mode": "TEST"}),
        state(flat(SOC, PERCENT), meta={"mode": "test"}, inside=True),
        trouble(error("A", "B"), meta={"mode": "TEST"}),
        scheduled(entry("/battery", {"percentRemaining": 0.5}), mode="test"),
        verify(),
        verify(old=True),
    ],
)
def test_trials_and_challenges_say_nothing_of_a_car(body: Any) -> None:
    parsed = read(hook(body))
    assert (parsed.points, parsed.observations) == ([], [])
    assert "nothing was recorded" in parsed.notes[0]


def test_sabotage_test_mode_is_noticed() -> None:
    made = hook(state(flat(SOC, PERCENT), meta={"mode": "TEST"}))
    assert said(made) == {}
    with sabotage("test_mode"):
        assert said(made) != {}


def test_simulated_cars_are_cars() -> None:
    assert said(hook(state(flat(SOC, PERCENT), meta={"mode": "SIMULATED"}))) == {"soc_pct": 57.0}


@pytest.mark.parametrize("name", ["schedule", "scheduled", "dynamic", "Schedule"])
def test_version_2_by_itself(name: str) -> None:
    older = "2026-07-04T10:00:00Z"
    made = hook(
        scheduled(
            entry("/battery", {"percentRemaining": 0.5, "range": 10}, **{"sc-unit-system": "imperial"}),
            entry("/charge", {"isPluggedIn": True, "state": "CHARGING"}, age=older),
            entry("/location", {"latitude": 1, "longitude": 2}, age=None),
            refused("/odometer", 409, "VEHICLE_STATE", "ASLEEP"),
            name=name,
        )
    )
    assert {o.at: {**o.values, **o.private} for o in read(made).observations} == {
        AT: {"soc_pct": 50.0, "range_km": 16.0934},
        datetime(2026, 7, 4, 10, tzinfo=UTC): {"plugged_in": True, "charging_state": "CHARGING"},
        datetime(2026, 7, 4, 12, tzinfo=UTC): {"latitude": 1.0, "longitude": 2.0},
    }
    assert read(made).notes == ["/odometer: VEHICLE_STATE/ASLEEP"]


@pytest.mark.parametrize(
    ("type", "state_"),
    [
        ("CHARGING_STARTED", "CHARGING"),
        ("CHARGING_STOPPED", "NOT_CHARGING"),
        ("CHARGING_COMPLETED", "FULLY_CHARGED"),
    ],
)
def test_charging_events_of_version_2(type: str, state_: str) -> None:
    made = hook(event(type))
    assert said(made) == {"charging_state": state_}
    assert [o.at for o in read(made).observations] == [AT]


@pytest.mark.parametrize("made", [event("DOORS_OPENED"), event("CHARGING_STARTED", None), event("", "x")])
def test_events_that_say_nothing(made: Any) -> None:
    parsed = read(hook(made))
    assert parsed.observations == []
    assert parsed.notes


def test_of_many_cars_only_the_one_that_is_meant() -> None:
    """A delivery of version 2.0 may hold cars of different owners."""
    body = scheduled(entry("/battery", {"percentRemaining": 0.5}))
    body["payload"]["vehicles"].append({**body["payload"]["vehicles"][0], "vehicleId": "other"})
    assert [p.external_id for p in read(hook(body)).points] == [CAR, "other"]
    assert [p.external_id for p in read(hook(body, "other")).points] == ["other"]
    assert [p.external_id for p in read(hook(state(flat(SOC, PERCENT)), "other")).points] == []


def test_unknown_kinds_are_noted() -> None:
    assert "VEHICLE_MOVED are not read" in notes(hook(state(eventType="VEHICLE_MOVED")))


def test_no_vehicle_is_a_bad_payload() -> None:
    with pytest.raises(BadPayload, match="no vehicle"):
        read(hook({"version": "2.0", "eventName": "schedule", "payload": {}}))
