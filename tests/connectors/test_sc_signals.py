"""v3: signals count only when they succeeded, in units that are known, at the time the car measured them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.connectors.smartcar_said import notes, read, said
from tests.payloads.smartcar import AT, CAR, MS, STAMP, listed, payload, signal, signals
from wattledger.connectors.smartcar.parse import SIGNALS
from wattledger.errors import BadPayload
from wattledger.faults import sabotage

SOC = "tractionbattery-stateofcharge"
NOT_CHARGING = {
    "type": "VEHICLE_STATE",
    "code": "NOT_CHARGING",
    "resolution": {"type": "UNKNOWN_RESOLUTION_TYPE"},
}


@pytest.mark.parametrize(
    ("code", "body", "values"),
    [
        (SOC, {"value": 57, "unit": "percent"}, {"soc_pct": 57.0}),
        (SOC, {"value": 1, "unit": "percentage"}, {"soc_pct": 1.0}),
        (SOC, {"value": 0.4, "unit": "%"}, {"soc_pct": 0.4}),
        (SOC, {"percentage": 75}, {"soc_pct": 75.0}),
        (SOC, {"value": None, "unit": "percent"}, {}),
        ("tractionbattery-range", {"value": 253, "type": "DEFAULT", "additionalValues": [], "unit": "km"},
         {"range_km": 253.0}),
        ("tractionbattery-range", {"value": 100, "unit": "miles"}, {"range_km": 160.9344}),
        ("tractionbattery-nominalcapacity", {"capacity": 86, "source": "SMARTCAR", "unit": "kWh"},
         {"capacity_kwh": 86.0}),
        ("tractionbattery-nominalcapacity", {"capacity": 74, "unit": "kWhr"}, {"capacity_kwh": 74.0}),
        ("charge-ischarging", {"value": True}, {"charging_state": "CHARGING"}),
        ("charge-ischarging", {"value": False}, {"charging_state": "NOT_CHARGING"}),
        ("charge-detailedchargingstatus", {"value": "FULLY_CHARGED"}, {"charging_state": "FULLY_CHARGED"}),
        ("charge-detailedchargingstatus", {"value": "CONDITIONING"}, {"charging_state": "UNKNOWN"}),
        ("charge-ischargingcableconnected", {"value": True}, {"plugged_in": True}),
        ("charge-wattage", {"value": 8000, "unit": "watts"}, {"charge_kw": 8.0}),
        ("charge-wattage", {"value": 7.4, "unit": "kilowatts"}, {"charge_kw": 7.4}),
        ("charge-wattage", {"value": 11, "unit": "watt"}, {"charge_kw": 0.011}),
        ("charge-voltage", {"value": 240, "unit": "volts"}, {"charge_voltage": 240.0}),
        ("charge-amperage", {"value": 33, "unit": "ampere"}, {"charge_amperage": 33.0}),
        ("charge-amperage", {"value": 33, "unit": "amps"}, {"charge_amperage": 33.0}),
        ("charge-energyadded", {"value": 25.5, "unit": "kilowatt_hours"}, {"energy_added_wh": 25500.0}),
        ("charge-energyadded", {"value": 25.5, "unit": "kilowatt-hours"}, {"energy_added_wh": 25500.0}),
        ("charge-energyadded", {"value": 25.5, "unit": "kWh"}, {"energy_added_wh": 25500.0}),
        ("charge-timetocomplete", {"value": 45}, {"time_to_complete_min": 45.0}),
        ("charge-timetocomplete", {"value": 45, "unit": "minute"}, {"time_to_complete_min": 45.0}),
        ("charge-timetocomplete", {"value": 1.5, "unit": "hours"}, {"time_to_complete_min": 90.0}),
        ("charge-chargelimits",
         {"values": [{"type": "GLOBAL", "limit": 80}], "activeLimit": 70, "unit": "percent"},
         {"charge_limit_pct": 70.0}),
        ("charge-chargelimits",
         {"values": [{"type": "LOCATION", "limit": 60}, {"type": "global", "limit": 80}],
          "activeLimit": None, "unit": "percent"}, {"charge_limit_pct": 80.0}),
        ("charge-chargelimits", {"values": [], "activeLimit": None, "unit": "percent"}, {}),
        ("charge-isfastchargerpresent", {"value": False}, {"fast_charger": False}),
        ("location-preciselocation", {"latitude": 30.25, "longitude": -97.75, "locationType": "LAST_PARKED"},
         {"latitude": 30.25, "longitude": -97.75}),
        ("location-preciselocation", {"latitude": 0, "longitude": 0}, {"latitude": 0.0, "longitude": 0.0}),
        ("location-isathome", {"value": True}, {"at_home": True}),
        ("odometer-traveleddistance", {"value": 52891, "unit": "km"}, {"odometer_km": 52891.0}),
        ("odometer-traveleddistance", {"value": 115071.50046584333, "unit": "kilometers"},
         {"odometer_km": 115071.5005}),
        ("connectivitystatus-isasleep", {"value": True}, {"is_asleep": True}),
        ("connectivitystatus-isonline", {"value": True}, {"is_online": True}),
        ("lowvoltagebattery-stateofcharge", {"value": 88, "unit": "percent"}, {"low_voltage_soc_pct": 88.0}),
        ("charge-chargingconnectortype", {"value": "invalid"}, {}),
        ("vehicleidentification-vin", {"value": "1234A67Q90F2T4567"}, {}),
        ("internalcombustionengine-fuellevel", {"value": 0.77}, {}),
        ("brand-new-signal", {"value": {"deep": [1]}}, {}),
    ],
)  # fmt: skip
def test_what_a_signal_says(code: str, body: Any, values: dict[str, Any]) -> None:
    made = signals(signal(code, body))
    assert said(made) == values
    assert [o.at for o in read(made).observations] == ([AT] if values else [])
    assert read(made).points[0].name == "Polestar 2 2023"


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (SOC, {"value": 57}, "no unit, so its meaning is open"),
        (SOC, {"value": 0.57}, "no unit, so its meaning is open"),
        (SOC, {"value": 57, "unit": None}, "no unit"),
        (SOC, {"value": 57, "unit": "furlongs"}, "unit 'furlongs' is not known"),
        (SOC, {"value": 101, "unit": "percent"}, "soc_pct is out of bounds"),
        (SOC, {"value": -1, "unit": "percent"}, "soc_pct is out of bounds"),
        (SOC, {"percentage": 750}, "soc_pct is out of bounds"),
        (SOC, {"value": "57", "unit": "percent"}, "no number"),
        (SOC, {"value": [57], "unit": "percent"}, "no number"),
        ("tractionbattery-range", {"value": 253}, "no unit"),
        ("odometer-traveleddistance", {"value": 5, "unit": "parsec"}, "'parsec' is not known"),
        ("tractionbattery-nominalcapacity", {"capacity": 86}, "no unit"),
        ("charge-wattage", {"value": -7000, "unit": "watts"}, "charge_kw is out of bounds"),
        ("charge-ischarging", {"value": "true"}, "neither true nor false"),
        ("charge-ischargingcableconnected", {"value": 1}, "neither true nor false"),
        ("charge-detailedchargingstatus", {"value": "CONDITIONING"}, "'CONDITIONING' is not known"),
        ("charge-detailedchargingstatus", {"value": True}, "no word"),
        ("charge-chargelimits", {"activeLimit": 80}, "no unit"),
        ("location-preciselocation", {"latitude": 30}, "no position on Earth"),
    ],
)
def test_what_is_not_recorded_is_noted(code: str, body: Any, why: str) -> None:
    made = signals(signal(code, body))
    assert set(said(made)) <= {"charging_state"}
    assert f"{code}: " in notes(made)
    assert why in notes(made)


@pytest.mark.parametrize(
    ("status", "error", "note"),
    [
        ("ERROR", NOT_CHARGING, "VEHICLE_STATE/NOT_CHARGING"),
        ("error", {"type": "PERMISSION", "code": "UNKNOWN"}, "PERMISSION/UNKNOWN"),
        ("ERROR", None, "ERROR"),
        ("UNAVAILABLE", None, "UNAVAILABLE"),
        ("PARTIAL", None, "PARTIAL"),
        (None, {"type": "UPSTREAM", "code": "INVALID_DATA"}, "UPSTREAM/INVALID_DATA"),
    ],
)
def test_a_stale_body_is_never_read(status: str | None, error: Any, note: str) -> None:
    """A car that does not charge still shows the watts of its last charge."""
    item = signal("charge-wattage", {"value": 8000, "unit": "watts"}, status, error=error)
    if status is None:
        item["attributes"]["error"] = error
    made = signals(item, signal(SOC, {"value": 57, "unit": "percent"}))
    assert said(made) == {"soc_pct": 57.0}
    assert read(made).notes == [f"charge-wattage: {note}"]


def test_sabotage_success_only_is_noticed() -> None:
    made = signals(signal("charge-wattage", {"value": 8000, "unit": "watts"}, "ERROR", error=NOT_CHARGING))
    assert said(made) == {}
    with sabotage("success_only"):
        assert said(made) != {}


@pytest.mark.parametrize("status", [None, {}, "SUCCESS", {"value": "SUCCESS"}, {"value": "success"}])
def test_a_missing_status_is_a_success_where_the_body_says_anything(status: Any) -> None:
    item = signal(SOC, {"value": 57, "unit": "percent"})
    item["attributes"]["status"] = status
    assert said(signals(item)) == {"soc_pct": 57.0}
    item["attributes"]["body"] = {}
    assert said(signals(item)) == {}


def test_errors_of_signals_that_are_not_read_are_not_even_noted() -> None:
    error = {"type": "PERMISSION", "code": "UNKNOWN", "resolution": {"type": "REAUTHENTICATE"}}
    assert notes(signals(signal("closure-fronttrunk", {}, "ERROR", error=error))) == ""


ISO, SECONDS = "2026-07-04T06:55:00-05:00", MS // 1000


@pytest.mark.parametrize(
    "meta",
    [
        {"oemUpdatedAt": STAMP}, {"oemUpdatedAt": ISO}, {"oemUpdatedAt": "2026-07-04T11:55:00"},
        {"oemUpdatedAt": MS}, {"oemUpdatedAt": float(MS)}, {"oemUpdatedAt": str(MS)},
        {"oemUpdatedAt": SECONDS}, {"oemUpdatedAt": str(SECONDS)}, {"oemUpdatedAt": 0, "retrievedAt": MS},
        {"oemUpdatedAt": None, "retrievedAt": ISO},
        {"retrievedAt": STAMP}, {"fetchedAt": STAMP}, {"oemUpdatedAt": "soon", "retrievedAt": STAMP},
        {"oemUpdatedAt": MS + 86_400_000, "retrievedAt": STAMP},
        {"oemUpdatedAt": STAMP, "retrievedAt": MS + 60_000},
        {"oemUpdatedAt": -1, "retrievedAt": STAMP}, {"oemUpdatedAt": "0", "retrievedAt": STAMP},
    ],
)  # fmt: skip
def test_every_form_of_time(meta: dict[str, Any]) -> None:
    made = signals(signal(SOC, {"value": 57, "unit": "percent"}, meta=meta))
    assert [o.at for o in read(made).observations] == [AT]


@pytest.mark.parametrize(
    "meta",
    [{}, {"ingestedAt": STAMP}, {"oemUpdatedAt": 0}, {"oemUpdatedAt": 1, "retrievedAt": None},
     {"oemUpdatedAt": "1970-01-01T00:00:00Z"}, {"oemUpdatedAt": 10**30}, {"oemUpdatedAt": True},
     {"oemUpdatedAt": []}],
)  # fmt: skip
def test_without_a_time_nothing_is_recorded(meta: dict[str, Any]) -> None:
    made = signals(signal(SOC, {"value": 57, "unit": "percent"}, meta=meta))
    assert said(made) == {}
    assert read(made).notes == [f"{SOC}: without a time of measurement; not recorded"]


def test_the_size_of_a_battery_is_no_measurement() -> None:
    capacity = signal(
        "tractionbattery-nominalcapacity", {"capacity": 78, "unit": "kWh"}, meta={"ingestedAt": STAMP}
    )
    assert said(signals(capacity)) == {"capacity_kwh": 78.0}


def at(**later: float) -> dict[str, str]:
    return {"oemUpdatedAt": (AT - timedelta(hours=2) + timedelta(**later)).isoformat()}


@pytest.mark.parametrize(
    ("detailed", "plain", "later", "states"),
    [
        ("CHARGING", True, 0, ["CHARGING"]),
        ("NOT_CHARGING", True, 0, ["NOT_CHARGING"]),
        ("NOT_CHARGING", True, 15, ["NOT_CHARGING"]),
        ("NOT_CHARGING", True, -60, ["NOT_CHARGING"]),
        ("NOT_CHARGING", True, 16, ["NOT_CHARGING", "CHARGING"]),
        ("CHARGING", False, 60, ["CHARGING", "NOT_CHARGING"]),
        ("CHARGING", False, 5, ["CHARGING"]),
        ("FULLY_CHARGED", False, 30, ["FULLY_CHARGED", "FULLY_CHARGED"]),
        ("CHARGING", True, 30, ["CHARGING", "CHARGING"]),
        ("SOMETHING", True, 0, ["CHARGING"]),
        ("SOMETHING", False, -9, ["NOT_CHARGING"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_two_words_about_charging(
    detailed: str, plain: bool, later: float, states: list[str], first: bool
) -> None:
    """The detailed word stands, unless it is clearly older than a yes or no that contradicts it."""
    both = [
        signal("charge-detailedchargingstatus", {"value": detailed}, meta=at()),
        signal("charge-ischarging", {"value": plain}, meta=at(minutes=later)),
    ]
    found = read(signals(*(both if first else both[::-1]))).observations
    assert [o.values["charging_state"] for o in sorted(found, key=lambda o: o.at)] == states


def test_a_failed_word_leaves_the_other() -> None:
    failed = signal("charge-detailedchargingstatus", {"value": "CHARGING"}, "ERROR", error=NOT_CHARGING)
    assert said(signals(failed, signal("charge-ischarging", {"value": False}))) == {
        "charging_state": "NOT_CHARGING"
    }


def test_of_two_values_for_one_instant_the_first_stays() -> None:
    made = signals(*(signal(SOC, {"value": n, "unit": "percent"}) for n in (57, 58, 57)))
    assert said(made) == {"soc_pct": 57.0}
    assert "said twice" in notes(made)


def test_a_single_signal_wrapped_or_not() -> None:
    item = signal(SOC, {"value": 57, "unit": "percent"})
    assert said(payload({"data": item}, SIGNALS)) == {"soc_pct": 57.0}
    assert said(payload(item, SIGNALS)) == {"soc_pct": 57.0}
    assert [p.name for p in read(payload(item, SIGNALS, make="KIA", model="EV6", year="2024")).points] == [
        "KIA EV6 2024"
    ]


def test_an_empty_store_is_a_car_that_says_nothing() -> None:
    parsed = read(payload({"data": [], "meta": {"totalCount": 0}}, SIGNALS))
    assert ([p.external_id for p in parsed.points], parsed.observations, parsed.notes) == ([CAR], [], [])


def test_a_missing_page_is_noted() -> None:
    made = payload(listed(signal(SOC, {"value": 1, "unit": "percent"}), meta={"totalCount": 31}), SIGNALS)
    assert "1 of 31 signals came" in notes(made)


def test_signals_of_another_car_are_a_bad_payload() -> None:
    body = listed(signal(SOC, {"value": 57, "unit": "percent"}))
    assert said(payload(body, SIGNALS, None)) == {"soc_pct": 57.0}
    with pytest.raises(BadPayload, match="another vehicle"):
        read(payload(body, SIGNALS, "another-car"))


@pytest.mark.parametrize(
    "body", [{}, {"data": None}, {"data": {}}, {"data": 3}, {"errors": [{"status": "502"}]}]
)
def test_what_has_no_signals_is_a_bad_payload(body: Any) -> None:
    with pytest.raises(BadPayload, match="no signals"):
        read(payload(body, SIGNALS))


def test_ten_thousand_signals_keep_fifty_notes() -> None:
    wrong = [signal(SOC, {"value": 1, "unit": f"unit {n}"}) for n in range(10_000)]
    parsed = read(signals(*wrong, signal("odometer-traveleddistance", {"value": 5, "unit": "km"})))
    assert [dict(o.values) for o in parsed.observations] == [{"odometer_km": 5.0}]
    assert len(parsed.notes) == 51
    assert parsed.notes[-1] == "9950 more notes were left out"


def test_values_of_different_ages_are_different_observations() -> None:
    made = signals(
        signal(SOC, {"value": 57, "unit": "percent"}),
        signal("odometer-traveleddistance", {"value": 5, "unit": "km"}, meta={"oemUpdatedAt": MS - 1000}),
    )
    assert {o.at: dict(o.values) for o in read(made).observations} == {
        AT: {"soc_pct": 57.0},
        datetime(2026, 7, 4, 11, 54, 59, tzinfo=UTC): {"odometer_km": 5.0},
    }
