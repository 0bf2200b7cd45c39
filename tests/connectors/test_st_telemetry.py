"""Telemetry: Celsius, percent, the vendor's words, and what disabled parts say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payloads.smartthings import RECEIVED, attribute
from wattledger.connectors.smartthings.telemetry import telemetry


def values(**capabilities: Any) -> dict[str, Any]:
    return {name: value for _, name, value in telemetry(capabilities, RECEIVED)}


@pytest.mark.parametrize(
    ("value", "unit", "celsius"),
    [
        (25, "C", 25.0), (22.5, "C", 22.5), (77, "F", 25.0), (0, "F", -17.78), (37, "F", 2.78), (0, "C", 0.0),
        (98.6, "°F", 37.0), (21, None, 21.0), (None, "C", None), ("25", "C", None), (True, "C", None),
    ],
)  # fmt: skip
def test_temperatures_are_celsius(value: Any, unit: str | None, celsius: float | None) -> None:
    said = values(
        temperatureMeasurement={"temperature": attribute(value, unit)},
        thermostatCoolingSetpoint={"coolingSetpoint": attribute(value, unit)},
    )
    assert (said.get("temperature_c"), said.get("setpoint_c")) == (celsius, celsius)


@pytest.mark.parametrize(
    ("value", "percent"),
    [(60, 60.0), (0, 0.0), (100, 100.0), (101, None), (-1, None), ("x", None), (None, None)],
)
def test_humidity_is_a_share(value: Any, percent: float | None) -> None:
    said = values(relativeHumidityMeasurement={"humidity": attribute(value, "%")})
    assert said.get("humidity_pct") == percent


def test_the_fan_mode_is_the_air_conditioners() -> None:
    said = values(
        airConditionerFanMode={"fanMode": attribute("turbo")}, fanMode={"fanMode": attribute("wrong")}
    )
    assert said == {"fan_mode": "turbo"}


def test_words_are_clean_and_short() -> None:
    said = values(
        airConditionerMode={"airConditionerMode": attribute(" co\x00ol\n\ud800" + "x" * 500)},
        switch={"switch": attribute("")},
        **{"custom.airConditionerOptionalMode": {"acOptionalMode": attribute({"a": 1})}},
    )
    assert said == {"mode": ("co ol " + "x" * 500)[:60]}


def test_disabled_capabilities_say_nothing() -> None:
    off = attribute(["relativeHumidityMeasurement", 7, None])
    said = values(
        relativeHumidityMeasurement={"humidity": attribute(0, "%")},
        switch={"switch": attribute("on")},
        **{"custom.disabledCapabilities": {"disabledCapabilities": off}},
    )
    assert said == {"switch": "on"}


def test_each_attribute_has_its_own_time() -> None:
    said = {
        "temperatureMeasurement": {"temperature": attribute(25, "C", "2025-02-09T16:33:29.164Z")},
        "relativeHumidityMeasurement": {"humidity": attribute(60, "%", "2024-12-30T13:10:23.759Z")},
        "switch": {"switch": attribute("on", timestamp=None)},
    }
    times = {name: at.isoformat() for at, name, _ in telemetry(said, RECEIVED)}
    assert times == {
        "temperature_c": "2025-02-09T16:33:29.164000+00:00",
        "humidity_pct": "2024-12-30T13:10:23.759000+00:00",
        "switch": RECEIVED.isoformat(),
    }
