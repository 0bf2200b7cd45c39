"""Registers, deltas and power of a component: every shape a report may have, and the units."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payloads.smartthings import END, RECEIVED, attribute, report, reported
from wattledger.connectors.smartthings.energy import energy, report_watts

WHEN = "2026-07-04T12:00:00+00:00"


def found(component: dict[str, Any]) -> dict[str, Any]:
    """All values of all moments, without those that say when."""
    merged: dict[str, Any] = {}
    for _, values in energy(component, RECEIVED).moments:
        merged |= values
    return {k: v for k, v in merged.items() if k not in {"report_start", "report_end", "register"}}


@pytest.mark.parametrize(
    ("value", "values"),
    [
        (report(), {"register_wh": "13836", "delta_wh": "27"}),
        (report(9575308.0, 45.0), {"register_wh": "9575308.0", "delta_wh": "45.0"}),
        (report(9233.836, 0), {"register_wh": "9233.836", "delta_wh": "0"}),
        (report(0, 14.61608), {"register_wh": "0", "delta_wh": "14.61608"}),
        (report(0, 0, power=0), {"register_wh": "0", "delta_wh": "0", "power_w": 0.0}),
        (report(500, None), {"register_wh": "500"}),
        (report(None, 3), {"delta_wh": "3"}),
        ({"energy": -1}, {"register_wh": None}),
        (report(-1, 5), {"register_wh": None, "delta_wh": "5"}),
        (report(True), {"register_wh": None, "delta_wh": "27"}),
        (report("13836"), {"register_wh": None, "delta_wh": "27"}),
        (report([1]), {"register_wh": None, "delta_wh": "27"}),
        (report(10**15), {"register_wh": None, "delta_wh": "27"}),
        (report(13836, "27"), {"register_wh": "13836", "delta_wh": None}),
        (report(None, None), {}),
        (report(None, None, power=None, start=None), {}),
        ({}, {}),
        (None, {}),
        ("nothing", {}),
        ([], {}),
    ],
)
def test_what_a_report_gives(value: Any, values: dict[str, Any]) -> None:
    assert found(reported(value)) == values


@pytest.mark.parametrize(
    ("value", "blank", "rejected"),
    [
        (report(), 0, 0),
        (None, 1, 0),
        ({"start": END, "end": END}, 1, 0),
        (report(-1), 0, 1),
        (report("1", False), 0, 2),
        ("text", 0, 1),
    ],
)
def test_what_cannot_be_used_is_counted(value: Any, blank: int, rejected: int) -> None:
    said = energy(reported(value), RECEIVED)
    assert (said.blank, len(said.rejected)) == (blank, rejected)


@pytest.mark.parametrize(
    ("value", "stamp", "at", "with_delta"),
    [
        (report(), "2026-07-04T12:00:00.404Z", WHEN, True),
        (report(end=None), "2026-07-04T11:58:00Z", "2026-07-04T11:58:00+00:00", True),
        (report(end="soon"), "2026-07-04T11:58:00Z", "2026-07-04T11:58:00+00:00", True),
        (report(end="2099-01-01T00:00:00Z"), "2026-07-04T11:58:00Z", "2026-07-04T11:58:00+00:00", True),
        (report(end="1970-01-01T00:00:00Z"), "2026-07-04T11:58:00Z", "2026-07-04T11:58:00+00:00", True),
        (report(end="2026-07-04T07:00:00-05:00"), None, WHEN, True),
        (report(end="2026-07-04T12:00:00"), None, WHEN, True),
        (report(end=1783166400000), None, WHEN, True),
        (report(end=None), None, RECEIVED.isoformat(), False),
    ],
)
def test_which_instant_a_report_has(value: Any, stamp: str | None, at: str, with_delta: bool) -> None:
    ((when, values),) = energy(reported(value, stamp), RECEIVED).moments
    assert when.isoformat() == at
    assert ("delta_wh" in values) == with_delta


def test_the_interval_travels_along() -> None:
    ((_, values),) = energy(reported(report()), RECEIVED).moments
    assert (values["report_start"], values["report_end"]) == ("2026-07-04T11:45:00+00:00", WHEN)
    ((_, first),) = energy(reported(report(start="1970-01-01T00:00:00Z")), RECEIVED).moments
    assert "report_start" not in first


@pytest.mark.parametrize(
    ("said", "watts"),
    [
        ({"power": 0, "deltaEnergy": 27}, 0.0),
        ({"power": 143, "deltaEnergy": 2, "powerEnergy": 1.747}, 143.0),
        ({"power": 74, "deltaEnergy": 21, "powerEnergy": 20.57}, 74.0),
        ({"power": 4.061, "deltaEnergy": 756, "powerEnergy": 0.7575}, 4061.0),
        ({"power": 4, "deltaEnergy": 1000, "powerEnergy": 1.0}, 4000.0),
        ({"power": 3.797}, 3797.0),
        ({"power": 1.118, "deltaEnergy": 0}, 1118.0),
        ({"power": 2.539, "deltaEnergy": 0, "powerEnergy": 0.009404173966911105}, 2539.0),
        ({"power": 2.539, "deltaEnergy": 10, "start": "2026-07-04T11:45:00Z", "end": END}, 2539.0),
        ({"power": 0.015, "deltaEnergy": 45, "start": "2026-07-04T11:45:00Z", "end": END}, 15.0),
        ({"power": 20.5, "deltaEnergy": 5, "start": "2026-07-04T11:45:00Z", "end": END}, 20.5),
        ({"power": 143.5}, 143.5),
        ({"power": 2}, 2.0),
        ({"power": -5}, None),
        ({"power": "143"}, None),
        ({"power": True}, None),
        ({}, None),
    ],
)
def test_watts_are_told_from_kilowatts(said: dict[str, Any], watts: float | None) -> None:
    assert report_watts(said) == (None if watts is None else pytest.approx(watts))


@pytest.mark.parametrize(
    ("value", "unit", "register"),
    [
        (1234.567, "kWh", "1234567"),
        (1.5, "kWh", "1500"),
        (9233.836, "Wh", "9233.836"),
        (19.978, None, "19978"),
        (2, "MWh", "2000000"),
        (1, "kVAh", None),
        (-1, "kWh", None),
        ("19", "kWh", None),
        (None, "kWh", None),
    ],
)
def test_a_plain_meter_is_read_by_its_unit(value: Any, unit: str | None, register: str | None) -> None:
    from decimal import Decimal

    said = found({"energyMeter": {"energy": attribute(value, unit)}}).get("register_wh")
    assert (None if said is None else Decimal(said)) == (None if register is None else Decimal(register))


@pytest.mark.parametrize(
    ("value", "unit", "watts"), [(143, "W", 143.0), (1.2, "kW", 1200.0), (5, None, 5.0), (None, "W", None)]
)
def test_a_power_meter_is_read_by_its_unit(value: Any, unit: str | None, watts: float | None) -> None:
    assert found({"powerMeter": {"power": attribute(value, unit)}}).get("power_w") == watts


@pytest.mark.parametrize(
    ("value", "register"),
    [(report(500), "500"), (report(0, 3), "1234567"), (None, "1234567"), (report(-1), "1234567")],
    ids=["a moving report wins", "a report at 0", "no report", "a bad report"],
)
def test_report_and_meter_on_one_component(value: Any, register: str) -> None:
    both = {**reported(value), "energyMeter": {"energy": attribute(1234.567, "kWh")}}
    assert float(found(both)["register_wh"]) == float(register)
    names = [v["register"] for _, v in energy(both, RECEIVED).moments if "register" in v]
    assert names == ["powerConsumptionReport" if register == "500" else "energyMeter"]


def test_a_power_meter_beats_the_power_of_a_report() -> None:
    both = {**reported(report(power=7)), "powerMeter": {"power": attribute(143, "W")}}
    assert found(both)["power_w"] == 143
