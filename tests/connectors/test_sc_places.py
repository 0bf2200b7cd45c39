"""Where a car is can be found in a body, and taken out of it without touching anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.smartcar_said import said
from tests.payloads.smartcar import (
    CAR,
    HOME,
    batch,
    entry,
    flat,
    listed,
    payload,
    raw,
    scheduled,
    signal,
    state,
    trouble,
)
from wattledger.connectors.smartcar.parse import ANSWER, SIGNALS, WEBHOOK
from wattledger.connectors.smartcar.places import holds_places, of_one, without_location
from wattledger.errors import BadPayload
from wattledger.faults import sabotage

SOC = ("tractionbattery-stateofcharge", {"value": 57, "unit": "percent"})
PRECISE = ("location-preciselocation", {**HOME, "locationType": "CURRENT", "heading": 90, "direction": "N"})
AT_HOME = ("location-isathome", {"value": True})
LIMITS = {
    "values": [
        {"type": "LOCATION", "limit": 60, "condition": {"name": "Home", "address": "1 Main St", **HOME}}
    ],
    "activeLimit": 60,
    "unit": "percent",
}
RECORDS = {"values": [{"id": "r", "location": {"street": "1 Main St", "city": "Austin"}, "energyAdded": 9}]}
BODIES = [
    (listed(signal(*SOC), signal(*PRECISE), signal(*AT_HOME)), SIGNALS, {"soc_pct": 57.0}),
    (listed(signal(*SOC), signal("charge-chargelimits", LIMITS)), SIGNALS,
     {"soc_pct": 57.0, "charge_limit_pct": 60.0}),
    (listed(signal(*SOC), signal("charge-chargerecords", RECORDS)), SIGNALS, {"soc_pct": 57.0}),
    ({"data": signal(*PRECISE)}, SIGNALS, {}),
    (signal(*PRECISE), SIGNALS, {}),
    (state(flat(*SOC), flat(*PRECISE)), WEBHOOK, {"soc_pct": 57.0}),
    (state({"group": "Location", "name": "PreciseLocation", "body": HOME}, flat(*SOC)), WEBHOOK,
     {"soc_pct": 57.0}),
    (scheduled(entry("/battery", {"percentRemaining": 0.5}), entry("/location", HOME)), WEBHOOK,
     {"soc_pct": 50.0}),
    ({"responses": [entry("/battery", {"percentRemaining": 0.5}), entry("/Location/", HOME)]}, "batch.json",
     {"soc_pct": 50.0}),
    (HOME, ANSWER, {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "left"), BODIES)
def test_places_are_found_and_taken_out(body: Any, kind: str, left: dict[str, Any]) -> None:
    made = raw(body)
    assert holds_places(made)
    kept = without_location(made)
    assert not holds_places(kept)
    assert said(payload(kept, kind, path="/location")) == left
    for trace in (b"30.2672", b"97.7431", b"Main St", b"Austin"):
        assert trace not in kept
    assert without_location(kept) == kept


def several() -> dict[str, Any]:
    """A delivery about this car and another one."""
    body = scheduled(entry("/battery", {"percentRemaining": 0.5}))
    other = {**body["payload"]["vehicles"][0], "vehicleId": "other", "data": [entry("/location", HOME)]}
    body["payload"]["vehicles"].append(other)
    return body


def test_each_car_of_a_delivery_by_itself() -> None:
    made = raw(several())
    mine = of_one(made, CAR)
    assert b"other" not in mine
    assert b"30.2672" not in mine
    assert said(payload(mine, WEBHOOK, None)) == {"soc_pct": 50.0}
    assert CAR.encode() not in of_one(made, "other")
    for alone in (raw(state(flat(*SOC))), mine, b'{"eventType": "VERIFY"}'):
        assert of_one(alone, CAR) == alone


def test_sabotage_of_one_is_noticed() -> None:
    assert b"other" not in of_one(raw(several()), CAR)
    with sabotage("of_one"):
        assert b"other" in of_one(raw(several()), CAR)


def test_sabotage_without_location_is_noticed() -> None:
    made = raw(BODIES[0][0])
    assert not holds_places(without_location(made))
    with sabotage("without_location"):
        assert holds_places(without_location(made))


PLACELESS = [
    listed(signal(*SOC)),
    listed(signal(*PRECISE, "ERROR") | {"attributes": {"code": "charge-voltage", "body": {"value": 1}}}),
    state(flat(*SOC), triggers=[{"signal": "location-preciselocation"}]),
    trouble({"type": "PERMISSION", "state": "ERROR", "signals": [{"code": "location-preciselocation"}]}),
    {"responses": [entry("/battery", {"percentRemaining": 0.5})]},
]


@pytest.mark.parametrize("body", PLACELESS)
@pytest.mark.parametrize("indent", [None, 2])
def test_without_places_not_a_byte_changes(body: Any, indent: int | None) -> None:
    made = json.dumps(body, indent=indent).encode()
    assert not holds_places(made)
    assert without_location(made) == made


@pytest.mark.parametrize(
    "body",
    [
        b'{"\\u006catitude": 1, "longitude": 2}',
        b'{"a": {"LATITUDE": 1}}',
        b'{"latitude": 1, "longi',
        b'["latitude"]',
        b'{"latitude":' * 5000,
    ],
)
def test_spelled_differently_or_unreadable_it_counts_as_a_place(body: bytes) -> None:
    assert holds_places(body)


def test_a_link_with_a_token_is_kept_as_well_as_a_place() -> None:
    """The answer about a battery's size has one, by which its owner chooses among several."""
    link = "https://connect.example/battery-capacity?client_id=x&token=90abecb6&redirect_uri="
    made = raw(
        {"responses": [entry("/battery/nominal_capacity", {"capacity": {"nominal": 78}, "url": link})]}
    )
    assert holds_places(made)
    assert not holds_places(made.replace(b"token=", b""))


def test_a_location_that_was_refused_is_no_place() -> None:
    assert not holds_places(batch({"path": "/location", "code": 403, "body": {"type": "PERMISSION"}}).body)
    assert not holds_places(b'{"latitude": null, "longitude": null}')


@pytest.mark.parametrize("body", [b"", b"<html>latitude</html>", b"[1]", b"\xff", b'{"a":' * 5000])
def test_what_cannot_be_read_cannot_be_cleaned(body: bytes) -> None:
    """Better refused than kept with whatever it says."""
    with pytest.raises(BadPayload):
        without_location(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["latitude", "address", "body", "code", "path", "attributes", "x"]), inner
        )
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON))
def test_whatever_it_is_nothing_of_a_place_is_left(body: dict[str, Any]) -> None:
    made = json.dumps(body).encode()
    kept = without_location(made)
    assert not holds_places(kept)
    assert kept == made or holds_places(made) or b"location" in made or json.loads(kept) != json.loads(made)
