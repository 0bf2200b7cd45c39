"""The recorded answers, read in place: right values, times and consequences."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.connectors.smartcar_said import read, said
from tests.paths import SHARED_PAYLOADS, needs_shared
from tests.payloads.smartcar import RECEIVED, payload
from wattledger.connectors.smartcar import CONNECTOR
from wattledger.connectors.smartcar.parse import ANSWER, BATCH, SIGNALS, TROUBLE, VEHICLE, VEHICLES, WEBHOOK
from wattledger.errors import BadPayload, Refused

pytestmark = needs_shared
HERE = SHARED_PAYLOADS / "smartcar"
TESLA = "tst2e255-d3c8-4f90-9fec-e6e68b98e9cb"


def recorded(name: str) -> bytes:
    return (HERE / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [
        ("battery", "/battery", {"soc_pct": 30.0, "range_km": 40.5}),
        ("charge", "/charge", {"plugged_in": True, "charging_state": "FULLY_CHARGED"}),
        ("charge_limit", "/charge/limit", {"charge_limit_pct": 70.0}),
        ("battery_nominal_capacity", "/battery/nominal_capacity", {"capacity_kwh": 80.9}),
        ("battery_capacity", "/battery/capacity", {"capacity_kwh": 28.0}),
        ("location", "/location", {"latitude": 37.4292, "longitude": 122.1381}),
        ("odometer", "/odometer", {"distance": 104.32}),
        ("vin", "/vin", {}),
        ("fuel", "/fuel", {}),
        ("tires_pressure", "/tires/pressure", {}),
    ],
)
def test_single_answers(name: str, path: str, values: dict[str, Any]) -> None:
    found = said(payload(recorded(f"v2/{name}"), ANSWER, path=path))
    assert found == ({"odometer_km": 104.32} if name == "odometer" else values)


def test_batches() -> None:
    first = payload(recorded("v2_batch/docs_odometer_location"), BATCH)
    assert said(first) == {"odometer_km": 37829.0, "latitude": 37.4292, "longitude": 122.1381}
    assert [o.at for o in read(first).observations] == [datetime(2019, 10, 24, 0, 43, 46, tzinfo=UTC)]
    second = payload(recorded("v2_batch/success"), BATCH)
    assert [(o.at, dict(o.values)) for o in read(second).observations] == [
        (RECEIVED, {"odometer_km": 32768.0})
    ]
    third = read(payload(recorded("v2_batch/error_409_door_open"), BATCH))
    assert (third.observations, third.notes) == ([], ["/odometer: VEHICLE_STATE/DOOR_OPEN"])


def test_cars() -> None:
    assert [p.name for p in read(payload(recorded("v2/vehicle_attributes"), VEHICLE, None)).points] == [
        "Tesla Model S 2014"
    ]
    assert [p.name for p in read(payload(recorded("v3/vehicle"), VEHICLE, None)).points] == [
        "Tesla Model 3 2019"
    ]
    assert read(payload(recorded("v2/vehicles"), VEHICLES, None)).points == []


def test_signals() -> None:
    made = payload(recorded("v3/signals"), SIGNALS, TESLA)
    assert said(made) == {"odometer_km": 115071.5005}
    assert [o.at for o in read(made).observations] == [datetime(2025, 7, 9, 23, 35, 18, 549000, tzinfo=UTC)]
    assert [p.name for p in read(made).points] == ["Tesla Model Y 2021"]
    assert said(payload(recorded("v3/signal"), SIGNALS, TESLA)) == {"odometer_km": 115071.5005}
    paged = payload(recorded("v3/signals_paged_example"), SIGNALS, TESLA)
    assert said(paged) == {"charge_voltage": 85.0}
    assert [o.at for o in read(paged).observations] == [datetime(2023, 10, 1, 10, 39, 59, tzinfo=UTC)]
    with pytest.raises(BadPayload):
        read(payload(recorded("v3/error_502_upstream_invalid_data"), SIGNALS, TESLA))


@pytest.mark.parametrize(
    ("name", "values", "at"),
    [
        ("docs_vehicle_state_charging", {"charging_state": "CHARGING"},
         datetime(2025, 8, 5, 3, 43, 33, 366000, UTC)),
        ("docs_v3_0_state_old_shape", {"soc_pct": 75.0, "latitude": 37.7749, "longitude": -122.4194},
         datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("docs_vehicle_error_error", {"trouble": "COMPATIBILITY/VEHICLE_NOT_CAPABLE"},
         datetime(2025, 10, 31, 7, 39, 11, 529000, UTC)),
        ("docs_vehicle_error_resolved", {"resolved": "VEHICLE_STATE/UNREACHABLE"},
         datetime(2025, 10, 31, 8, 12, 31, 529000, UTC)),
        ("docs_verify", {}, None),
    ],
)  # fmt: skip
def test_webhooks(name: str, values: dict[str, Any], at: datetime | None) -> None:
    body = recorded(f"webhooks_v4/{name}")
    made = payload(body, WEBHOOK, None)
    assert said(made) == values
    assert [o.at for o in read(made).observations] == ([at] if at else [])
    found = CONNECTOR.call(body)
    assert found.consequence is None
    assert not found.test
    assert found.external_ids == tuple(p.external_id for p in read(made).points)
    assert found.event
    assert (CONNECTOR.reply(body, ["amt"]) is None) is (name != "docs_verify")


def test_webhooks_of_version_2() -> None:
    assert CONNECTOR.reply(recorded("webhooks_v2/docs_verify"), ["amt"]) is not None
    found = CONNECTOR.call(recorded("webhooks_v2/docs_event_based"))
    assert (found.external_ids, found.event, found.test) == (("uuid",), "uuid", False)


def test_the_vendors_signatures() -> None:
    for vector in json.loads(recorded("hmac/vectors"))["vectors"]:
        headers, body = {"SC-Signature": vector["hex"]}, vector["message"].encode()
        CONNECTOR.verify(headers, body, [vector["amt"]])
        with pytest.raises(Refused):
            CONNECTOR.verify(headers, body + b" ", [vector["amt"]])


def test_errors_in_a_word() -> None:
    found = {
        path.stem: said(payload(path.read_bytes(), TROUBLE, status=path.name[:3]))["trouble"]
        for path in sorted((HERE / "v2_errors").glob("*.json"))
    }
    assert len(found) >= 9
    assert not any(word.startswith("HTTP") for word in found.values())
    assert found["400_csa_authentication_failed"] == "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED"
