"""Things as Home Assistant's MQTT discovery wants them: topic -> payload. Pure.

Energy is a register: the sum of all days of the ledger. A revision may lower it, so its state class is
`total` without a reset: Home Assistant books the difference, downwards too. As `total_increasing` a lower
value would count as a new meter, and all of it as consumption once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from wattledger.faults import sabotaged
from wattledger.interop.broker import Broker
from wattledger.interop.things import Thing

ONLINE, OFFLINE = "online", "offline"
YES_NO = "{{ 'ON' if value_json.%s else 'OFF' }}"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One value of a thing as an entity."""

    value: str
    name: str
    about: Mapping[str, Any] = field(default_factory=dict)
    component: str = "sensor"


def _energy(value: str, name: str) -> Sensor:
    total = "total_increasing" if sabotaged("register_total") else "total"
    about = {"device_class": "energy", "state_class": total, "unit_of_measurement": "kWh"}
    return Sensor(value, name, {**about, "suggested_display_precision": 3})


def _measured(value: str, name: str, unit: str, kind: str | None = None) -> Sensor:
    about = {"state_class": "measurement", "unit_of_measurement": unit}
    return Sensor(value, name, {**about, **({"device_class": kind} if kind else {})})


def _diagnostic(value: str, name: str, component: str = "sensor", **about: Any) -> Sensor:
    return Sensor(value, name, {**about, "entity_category": "diagnostic"}, component)


def sensors() -> tuple[Sensor, ...]:
    """Every entity there can be."""
    return (
        _energy("energy", "Energy"),
        _energy("energy_sent", "Energy sent"),
        _measured("soc_pct", "State of charge", "%", "battery"),
        _measured("charge_kw", "Charging power", "kW", "power"),
        _measured("range_km", "Range", "km", "distance"),
        Sensor("charging", "Charging", {"device_class": "battery_charging"}, "binary_sensor"),
        Sensor("plugged_in", "Plugged in", {"device_class": "plug"}, "binary_sensor"),
        Sensor("charging_state", "Charging state"),
        _measured("temperature_c", "Temperature", "°C", "temperature"),
        _measured("setpoint_c", "Setpoint", "°C", "temperature"),
        _measured("humidity_pct", "Humidity", "%", "humidity"),
        Sensor("switch", "Switch"),
        Sensor("mode", "Mode"),
        _diagnostic("newest_day", "Newest day", device_class="date"),
        _diagnostic("source", "State"),
        _diagnostic("needs_person", "Needs a person", "binary_sensor", device_class="problem"),
        _diagnostic("last_success", "Last collected", device_class="timestamp"),
        _diagnostic("token_ends", "Token ends", device_class="timestamp"),
    )


def messages(things: Iterable[Thing], broker: Broker) -> dict[str, bytes]:
    """Every retained message of these things; an empty payload takes an entity away."""
    found: dict[str, bytes] = {}
    for thing in things:
        for sensor in sensors():
            told = sensor.value in thing.values
            body = orjson.dumps(config(thing, sensor, broker)) if told else b""
            found[config_topic(thing.id, sensor, broker)] = body
        found[state_topic(thing.id, broker)] = orjson.dumps(thing.values)
    return found


def nothing(id: str, broker: Broker) -> Iterator[str]:
    """The topics that must become empty where a thing is gone."""
    yield from (config_topic(id, sensor, broker) for sensor in sensors())
    yield state_topic(id, broker)


def config(thing: Thing, sensor: Sensor, broker: Broker) -> dict[str, Any]:
    """The announcement of one entity."""
    name, yes_no = f"wattledger_{thing.id}", sensor.component == "binary_sensor"
    return {
        "name": sensor.name,
        "unique_id": f"{name}_{sensor.value}",
        "state_topic": state_topic(thing.id, broker),
        "value_template": YES_NO % sensor.value if yes_no else f"{{{{ value_json.{sensor.value} }}}}",
        "availability_topic": status_topic(broker),
        "device": {
            "identifiers": [name],
            "name": thing.name,
            "manufacturer": "Wattledger",
            "model": thing.model,
        },
        "origin": {"name": "Wattledger"},
        **sensor.about,
    }


def config_topic(id: str, sensor: Sensor, broker: Broker) -> str:
    """Where an entity is announced."""
    return f"{broker.discovery}/{sensor.component}/wattledger_{id}/{sensor.value}/config"


def state_topic(id: str, broker: Broker) -> str:
    """Where a thing's values stand, `+` for any thing."""
    return f"{broker.topic}/{id}/state"


def status_topic(broker: Broker) -> str:
    """Where it stands whether anybody publishes."""
    return f"{broker.topic}/status"
