"""What Home Assistant is told of a thing, as its discovery and its Energy dashboard want it."""

from __future__ import annotations

import json

import pytest

from tests.interop.listening import added_up
from wattledger.config import Settings
from wattledger.errors import Misconfigured
from wattledger.faults import sabotage
from wattledger.interop.broker import Broker, broker_of
from wattledger.interop.discovery import messages, nothing, sensors
from wattledger.interop.things import Thing

BROKER = Broker("127.0.0.1", 1883, None, None, None)
METER = Thing("ab", "House", "Electricity meter", {"energy": 12.345, "newest_day": "2026-06-14"})
REGISTER = [1000.0, 1020.0, 800.0, 815.5]
"""a meter's register: a day comes, a file is withdrawn, a day comes"""


def told(thing: Thing) -> dict[str, dict[str, object]]:
    return {
        topic.split("/")[3]: json.loads(body)
        for topic, body in messages([thing], BROKER).items()
        if topic.startswith("homeassistant/") and body
    }


def test_energy_is_what_the_energy_dashboard_accepts() -> None:
    energy = told(METER)["energy"]
    assert (energy["device_class"], energy["unit_of_measurement"]) == ("energy", "kWh")
    assert energy["state_class"] in ("total", "total_increasing")
    assert "last_reset_value_template" not in energy
    assert energy["unique_id"] == "wattledger_ab_energy"
    assert (energy["state_topic"], energy["availability_topic"]) == (
        "wattledger/ab/state",
        "wattledger/status",
    )


def lost() -> float:
    """Home Assistant's sum less the register's own growth, kWh."""
    return round(
        added_up(REGISTER, str(told(METER)["energy"]["state_class"])) - (REGISTER[-1] - REGISTER[0]), 3
    )


def test_a_revision_downwards_leaves_home_assistants_sum_right() -> None:
    assert lost() == 0


def test_sabotage_register_total_is_noticed() -> None:
    with sabotage("register_total"):
        assert lost() == REGISTER[1]  # what was before the fall is counted once more


def test_only_what_is_known_is_announced_and_the_rest_is_taken_away() -> None:
    assert set(told(METER)) == {"energy", "newest_day"}
    found = messages([METER], BROKER)
    assert len(found) == len(sensors()) + 1
    assert set(found) == set(nothing("ab", BROKER))
    assert found["wattledger/ab/state"] == b'{"energy":12.345,"newest_day":"2026-06-14"}'


def test_topics_go_where_the_settings_say() -> None:
    broker = Broker("h", 1, None, None, None, "ha/find", "mine/energy")
    for topic in messages([METER], broker):
        assert topic.startswith(
            ("ha/find/sensor/wattledger_ab/", "ha/find/binary_sensor/", "mine/energy/ab/")
        )


def broker(**given: str) -> Broker | None:
    return broker_of(Settings.model_validate({f"WATTLEDGER_MQTT_{k.upper()}": v for k, v in given.items()}))


def test_a_broker_by_its_address() -> None:
    assert broker() is None
    found = broker(url="mqtt://broker.home", user="wl", password="a-pass")
    assert found is not None and (found.host, found.port, found.tls) == ("broker.home", 1883, None)
    assert found.in_clear and "a-pass" not in repr(found)
    sealed = broker(url="mqtts://broker.home:9883")
    assert sealed is not None and sealed.port == 9883 and sealed.tls is not None and not sealed.in_clear


@pytest.mark.parametrize(
    "url", ["broker.home", "http://h", "mqtt://", "mqtt://me:word@h", "mqtt://h/topic", "mqtt://h:99999"]
)
def test_a_bad_address_names_the_variable_and_no_secret(url: str) -> None:
    with pytest.raises(Misconfigured, match="WATTLEDGER_MQTT_URL") as error:
        broker(url=url)
    assert "word" not in str(error.value).replace("password", "").replace("PASSWORD", "")


@pytest.mark.parametrize("topic", ["", "a/#", "+/a", "/a", "a/", "a b"])
def test_a_bad_topic_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="WATTLEDGER_MQTT_TOPIC"):
        broker(topic=topic)
