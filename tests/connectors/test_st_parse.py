"""Lists, statuses, health and troubles as usage points and observations; nothing that comes breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads.smartthings import (
    DEVICE,
    LOCATION,
    PLACES,
    RECEIVED,
    ROOM,
    air_conditioner,
    attribute,
    device,
    payload,
    report,
    reported,
    status,
)
from wattledger.connectors.smartthings import CONNECTOR
from wattledger.connectors.smartthings.devices import Place, Places
from wattledger.connectors.smartthings.parse import DEVICES, HEALTH, STATUS, TROUBLE
from wattledger.errors import BadPayload
from wattledger.model import Parsed

MAIN = f"{DEVICE.id}/main"


def said(parsed: Parsed, point: str = MAIN) -> dict[str, Any]:
    """Everything observed of a point, whenever."""
    index = [p.external_id for p in parsed.points].index(point)
    merged: dict[str, Any] = {}
    for one in parsed.observations:
        merged |= one.values if one.point == index else {}
    return merged


def test_an_air_conditioners_status() -> None:
    parsed = CONNECTOR.parse(status(air_conditioner()))
    (point,) = parsed.points
    assert (point.external_id, point.name, point.timezone) == (MAIN, "AC Office", "America/Chicago")
    assert point.details == {
        "device_id": DEVICE.id, "component": "main", "location_id": LOCATION, "location": "Home",
        "room_id": ROOM, "room": "Office",
    }  # fmt: skip
    assert [(o.at.isoformat(), sorted(o.values)) for o in parsed.observations] == [
        ("2026-07-04T12:00:00+00:00", ["delta_wh", "register", "register_wh", "report_end", "report_start"]),
        ("2026-07-04T12:00:00.404000+00:00", ["mode", "switch", "temperature_c"]),
        ("2026-07-04T09:14:39.249000+00:00", ["fan_mode"]),
    ]


def test_the_same_status_gives_the_same_observations() -> None:
    once, again = (CONNECTOR.parse(status(air_conditioner())) for _ in range(2))
    assert (once.points, once.observations) == (again.points, again.observations)


def test_components_that_measure_are_usage_points() -> None:
    parsed = CONNECTOR.parse(
        status(
            air_conditioner(),
            charge=reported(report(500)),
            cooler={"temperatureMeasurement": {"temperature": attribute(37, "F")}},
            light={"switch": {"switch": attribute("on")}},
            **{"1": {**reported(None), "airConditionerMode": {"airConditionerMode": attribute(None)}}},
        )
    )
    assert [(p.external_id, p.name) for p in parsed.points] == [
        (MAIN, "AC Office"),
        (f"{DEVICE.id}/charge", "AC Office charge"),
    ]


def test_a_disabled_component_keeps_its_energy_only() -> None:
    off = {"custom.disabledComponents": {"disabledComponents": attribute(["sub"])}}
    parsed = CONNECTOR.parse(status({**air_conditioner(), **off}, sub=air_conditioner()))
    assert said(parsed, f"{DEVICE.id}/sub").keys() == {
        "register_wh", "delta_wh", "report_start", "report_end", "register",
    }  # fmt: skip


def test_energy_is_trusted_over_the_disabled_list() -> None:
    off = {
        "custom.disabledCapabilities": {
            "disabledCapabilities": attribute(["powerConsumptionReport", "airConditionerMode"])
        }
    }
    seen = said(CONNECTOR.parse(status({**air_conditioner(), **off})))
    assert seen["register_wh"] == "13836"
    assert "mode" not in seen


def test_a_device_that_reports_nothing_yet_is_a_usage_point() -> None:
    parsed = CONNECTOR.parse(status(reported(None)))
    assert [p.external_id for p in parsed.points] == [MAIN]
    assert (parsed.observations, parsed.rows, parsed.blank) == ([], 1, 1)


def test_what_was_refused_is_counted() -> None:
    parsed = CONNECTOR.parse(status(reported(report(-1, "x"))))
    assert [(r.count, r.reason) for r in parsed.rejected] == [
        (1, "energy is negative, no number or too large"),
        (1, "deltaEnergy is negative, no number or too large"),
    ]
    assert (parsed.rows, parsed.blank) == (2, 0)


def test_a_device_list_without_statuses() -> None:
    items = [
        device("a"),
        device("b", "Lamp", ["switch"]),
        device("c", "", ["energyMeter"], ocf={"modelNumber": "TP1X|1|2"}, roomId=None),
        device("../etc", "Bad"),
        "no device",
        {"deviceId": "d", "label": "Told nothing about"},
    ]
    parsed = CONNECTOR.parse(payload({"items": items, "_links": None}, DEVICES, None))
    assert [(p.external_id, p.name) for p in parsed.points] == [
        ("a/main", "AC"),
        ("c/main", "[room a/c] Samsung"),
    ]
    assert parsed.points[1].details["model"] == "TP1X"
    assert (parsed.rows, parsed.rejected[0].count) == (2, 2)


def test_a_device_list_with_statuses_and_health() -> None:
    item = device("a", healthState={"state": "OFFLINE", "lastUpdatedDate": "2026-07-04T11:43:31.600Z"})
    item["components"][0]["capabilities"] = [
        {"id": name, "version": 1, "status": capability} for name, capability in air_conditioner().items()
    ]
    parsed = CONNECTOR.parse(payload({"items": [item, device("b", "Lamp", ["switch"])]}, DEVICES, None))
    assert [p.external_id for p in parsed.points] == ["a/main"]
    assert said(parsed, "a/main")["health"] == "OFFLINE"
    assert said(parsed, "a/main")["register_wh"] == "13836"


def test_a_list_speaks_for_main_alone() -> None:
    item = device("wall", "Powerwall", ["battery"])
    item["components"].append({"id": "charge", "capabilities": [{"id": "powerConsumptionReport"}]})
    assert CONNECTOR.parse(payload({"items": [item]}, DEVICES, None)).points == []
    item["components"][1]["capabilities"][0]["status"] = reported(report(500))["powerConsumptionReport"]
    parsed = CONNECTOR.parse(payload({"items": [item]}, DEVICES, None))
    assert [p.name for p in parsed.points] == ["Powerwall charge"]


def test_two_devices_of_one_name_stay_two() -> None:
    parsed = CONNECTOR.parse(payload({"items": [device("a", "Bed"), device("b", "Bed")]}, DEVICES, None))
    assert [(p.external_id, p.name) for p in parsed.points] == [("a/main", "Bed"), ("b/main", "Bed")]


@pytest.mark.parametrize("label", ["a,b", 'say "hi"', "=cmd|' /C calc'!A0", "🥶 AC", "Kylskåp", "a|b"])
def test_names_are_kept_as_they_are(label: str) -> None:
    (point,) = CONNECTOR.parse(payload({"items": [device("a", label)]}, DEVICES, None)).points
    assert point.name == label


def test_names_that_no_database_takes_are_cleaned() -> None:
    (point,) = CONNECTOR.parse(
        payload({"items": [device("a", "A\x00C\ud800\n" + "x" * 9999)]}, DEVICES, None)
    ).points
    assert point.name == ("A C " + "x" * 9999)[:200]


@pytest.mark.parametrize(
    ("zone", "site", "expected"),
    [
        ("Europe/Stockholm", "UTC", "Europe/Stockholm"),
        ("", "America/Denver", "America/Denver"),
        ("Middle/Earth", "America/Denver", "America/Denver"),
        ("", "", "America/Chicago"),
    ],
)
def test_days_are_the_locations(zone: str, site: str, expected: str) -> None:
    places = Places(site, {LOCATION: Place("Home", zone)})
    parsed = CONNECTOR.parse(payload({"components": {"main": air_conditioner()}}, places=places))
    assert parsed.points[0].timezone == expected


def test_health_and_troubles() -> None:
    parsed = CONNECTOR.parse(
        payload({"state": "ONLINE", "lastUpdatedDate": "2025-04-28T11:43:31.600Z"}, HEALTH)
    )
    assert [(o.at.isoformat(), o.values) for o in parsed.observations] == [
        ("2025-04-28T11:43:31.600000+00:00", {"health": "ONLINE"})
    ]
    told = CONNECTOR.parse(payload(b"<html>", TROUBLE, status="503", reason="SmartThings answered 503."))
    assert said(told) == {"fetch_code": 503, "fetch_message": "SmartThings answered 503."}
    assert told.observations[0].at == RECEIVED
    assert said(CONNECTOR.parse(payload(b"", TROUBLE, status="", reason="No answer.")))["fetch_code"] is None


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"<html>", STATUS, "no_json"),
        (b"", STATUS, "no_json"),
        (b"[" * 100_000, STATUS, "no_json"),
        (b'{"components":{"main":{"a":{"b":{"value":' + b"9" * 5000 + b"}}}}}", STATUS, "no_json"),
        (b"[]", STATUS, "no_object"),
        (b"{}", STATUS, "no_components"),
        (b'{"components":[]}', STATUS, "no_components"),
        (b'{"items":{}}', DEVICES, "no_items"),
        (b"{}", "other.json", "no_items"),
    ],
)
def test_what_cannot_be_read_is_a_bad_payload(body: bytes, kind: str, code: str) -> None:
    with pytest.raises(BadPayload) as error:
        CONNECTOR.parse(payload(body, kind))
    assert error.value.code == code


def test_a_status_of_no_device_is_a_bad_payload() -> None:
    with pytest.raises(BadPayload):
        CONNECTOR.parse(payload({"components": {}}, device=None))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["powerConsumptionReport", "powerConsumption", "energyMeter", "energy", "powerMeter", "power", "value",
     "unit", "timestamp", "deltaEnergy", "end", "switch", "temperatureMeasurement", "temperature",
     "main", "state", "custom.disabledCapabilities", "disabledCapabilities",
     "components", "capabilities", "id", "status",
     "deviceId", "items", "healthState", "categories", "ocf", "label", "locationId"]
)  # fmt: skip
shaped = st.recursive(
    anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)


@given(shaped, st.sampled_from([STATUS, DEVICES, HEALTH]))
def test_whatever_comes_is_read_or_refused(body: Any, kind: str) -> None:
    wrapped = {STATUS: {"components": {"main": body}}, DEVICES: {"items": [body, device("a")]}}.get(
        kind, body
    )
    try:
        parsed = CONNECTOR.parse(payload(wrapped, kind))
    except BadPayload:
        return
    assert len({p.external_id for p in parsed.points}) == len(parsed.points)
    assert len({(o.point, o.at) for o in parsed.observations}) == len(parsed.observations)
    json.dumps([dict(o.values) for o in parsed.observations], allow_nan=False).encode()
    assert parsed.rows == parsed.blank + sum(r.count for r in parsed.rejected)


def test_headers_carry_what_is_needed_and_no_more() -> None:
    assert Places.from_header(PLACES.to_header()) == PLACES
    assert PLACES.only(["elsewhere"]) == Places("UTC")
    assert PLACES.to_header().isascii()
