"""Every row of the vendor's tables of errors, in both shapes, leads to its consequence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.paths import SHARED_PAYLOADS
from wattledger.connectors.http import HttpAnswer
from wattledger.connectors.smartcar.errors import FIRM, SENTENCES, Then, of_signal, trouble_of

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
STATES = [
    "ASLEEP",
    "UNREACHABLE",
    "CHARGING_IN_PROGRESS",
    "CHARGING_PLUG_CONNECTED",
    "CHARGING_PLUG_NOT_CONNECTED",
    "DOOR_OPEN",
    "FULLY_CHARGED",
    "HOOD_OPEN",
    "TRUNK_OPEN",
    "IGNITION_ON",
    "IN_MOTION",
    "NOT_CHARGING",
    "REMOTE_ACCESS_DISABLED",
    "UNKNOWN",
    "CHARGE_FAULT",
    "VEHICLE_OFFLINE_FOR_SERVICE",
]
OWNERS = ["ACCOUNT_ISSUE", "NO_VEHICLES", "SUBSCRIPTION", "VEHICLE_MISSING", "VIRTUAL_KEY_REQUIRED"]
TABLE: list[tuple[int, str, str | None, Then]] = [
    (400, "VALIDATION", None, Then.FAULT),
    (400, "VALIDATION", "PARAMETER", Then.FAULT),
    (400, "VALIDATION", "MISSING_PARAMETER", Then.FAULT),
    (400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", Then.RECONNECT),
    (400, "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", Then.RECONNECT),
    *((400, "CONNECTED_SERVICES_ACCOUNT", code, Then.OWNER) for code in OWNERS),
    (400, "CONNECTED_SERVICES_ACCOUNT", "A_NEW_ONE", Then.OWNER),
    (401, "AUTHENTICATION", None, Then.SIGN_IN),
    (401, "AUTHENTICATION", "UNAUTHORIZED", Then.SIGN_IN),
    (403, "PERMISSION", None, Then.PERMISSION),
    (403, "AUTHENTICATION", "ACCESS_DENIED", Then.PERMISSION),
    (404, "RESOURCE_NOT_FOUND", "PATH", Then.FAULT),
    (404, "RESOURCE_NOT_FOUND", "VERSION", Then.FAULT),
    (404, "RESOURCE_NOT_FOUND", "INVALID_PATH", Then.FAULT),
    (404, "RESOURCE_NOT_FOUND", "VEHICLE_NOT_FOUND", Then.UNKNOWN_CAR),
    (404, "RESOURCE_NOT_FOUND", "SIGNAL_NOT_FOUND", Then.UNKNOWN_CAR),
    *((409, "VEHICLE_STATE", code, Then.STATE) for code in STATES),
    (409, "DEVICE_PAIRING_REQUIRED", None, Then.STATE),
    (429, "RATE_LIMIT", "VEHICLE", Then.PAUSE),
    (429, "RATE_LIMIT", "SMARTCAR_API", Then.PAUSE_ALL),
    (429, "RATE_LIMIT", None, Then.PAUSE_ALL),
    *(
        (430, "BILLING", code, Then.BILLING)
        for code in ("VEHICLE_REQUEST_LIMIT", "VEHICLE_LIMIT", "INVALID_PLAN", "ACCOUNT_SUSPENDED")
    ),
    *(
        (500, "SERVER", code, Then.LATER)
        for code in ("INTERNAL", "MULTIPLE_RECORDS_FOUND", "RECORD_NOT_FOUND")
    ),
    *(
        (501, "COMPATIBILITY", code, Then.INCAPABLE)
        for code in (
            "MAKE_NOT_COMPATIBLE",
            "SMARTCAR_NOT_CAPABLE",
            "VEHICLE_NOT_CAPABLE",
            "PLATFORM_NOT_CAPABLE",
        )
    ),
    (502, "UPSTREAM", "RATE_LIMIT", Then.MAKER_PAUSE),
    *(
        (502, "UPSTREAM", code, Then.LATER)
        for code in ("INVALID_DATA", "KNOWN_ISSUE", "NO_RESPONSE", "UNKNOWN_ISSUE")
    ),
    (504, "UPSTREAM", "NO_RESPONSE", Then.LATER),
]
RESOLUTIONS: list[Any] = [
    "REAUTHENTICATE",
    {"type": "REAUTHENTICATE", "url": "https://x"},
    None,
    {"type": None},
]


def answer(status: int, said: Any, **headers: str) -> HttpAnswer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return HttpAnswer(status, headers, body)


def shaped_v2(status: int, type_: str, code: str | None, resolution: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "code": code,
        "description": "secret-canary",
        "statusCode": status,
        "requestId": "r-1",
        "resolution": resolution,
    }


def shaped_v3(status: int, type_: str, code: str | None, resolution: Any) -> dict[str, Any]:
    error = {
        "status": str(status),
        "type": type_,
        "detail": "secret-canary",
        "resolution": resolution,
        "meta": {"debug": {"requestId": "r-1"}},
    }
    return {"errors": [error if code is None else {**error, "code": code}]}


@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
@pytest.mark.parametrize(("status", "type_", "code", "then"), TABLE)
def test_each_row_has_its_consequence(
    status: int, type_: str, code: str | None, then: Then, resolution: Any
) -> None:
    for shape in (shaped_v2, shaped_v3):
        found = trouble_of(answer(status, shape(status, type_, code, resolution)), NOW)
        assert (found.then, found.type, found.code) == (then, type_, code or "")
        assert found.request == "r-1"
        assert found.resolution in {"", "REAUTHENTICATE"}
        assert "canary" not in found.message
        assert type_ in found.message


@pytest.mark.parametrize(
    "body", [b"", b"<html>Sign in to the network</html>", b"[]", b"null", b"\xff\xfe", b"{}"]
)
@pytest.mark.parametrize(
    ("status", "then"),
    [
        (200, Then.LATER),
        (302, Then.LATER),
        (400, Then.LATER),
        (401, Then.SIGN_IN),
        (403, Then.LATER),
        (404, Then.LATER),
        (408, Then.LATER),
        (409, Then.STATE),
        (429, Then.PAUSE_ALL),
        (430, Then.BILLING),
        (500, Then.LATER),
        (501, Then.LATER),
        (503, Then.LATER),
        (599, Then.LATER),
    ],
)
def test_a_body_without_words_proves_little(status: int, then: Then, body: bytes) -> None:
    found = trouble_of(answer(status, body), NOW)
    assert found.then is then
    assert found.kind == f"HTTP {status}"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("5", 5), ("51661", 51661), ("0", 1), ("999999999", 86400), ("soon", None), ("-3", None)],
)
def test_the_vendors_wish_is_kept_within_a_day(said: str, seconds: int | None) -> None:
    found = trouble_of(
        answer(429, shaped_v2(429, "RATE_LIMIT", "VEHICLE", None), **{"retry-after": said}), NOW
    )
    assert found.after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("mess", [5, [], {"a": 1}, "x" * 500, "lower case", "<script>", "\x00"])
def test_words_that_are_none_are_left_out(mess: Any) -> None:
    found = trouble_of(answer(409, {"type": mess, "code": mess, "requestId": mess}), NOW)
    assert found.then is Then.STATE
    assert "<" not in found.message
    assert len(found.message) < 250


@pytest.mark.parametrize(
    ("type_", "code", "then"),
    [
        ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE", Then.INCAPABLE),
        ("VEHICLE_STATE", "NOT_CHARGING", Then.STATE),
        ("PERMISSION", "UNKNOWN", Then.PERMISSION),
        ("UPSTREAM", "INVALID_DATA", Then.LATER),
        ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", Then.RECONNECT),
        ("INTEGRATION", "UNKNOWN", Then.LATER),
        ("AUTHENTICATION", "UNKNOWN", Then.LATER),
    ],
)
def test_errors_within_signals(type_: str, code: str, then: Then) -> None:
    assert of_signal({"type": type_, "code": code}).then is then


def test_every_consequence_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Then)
    assert {Then.BILLING, Then.PAUSE} < FIRM


RECORDED = {
    "400_csa_authentication_failed": Then.RECONNECT,
    "401_authentication": Then.SIGN_IN,
    "403_permission_resolution_object": Then.PERMISSION,
    "403_permission_resolution_string": Then.PERMISSION,
    "409_vehicle_state_asleep": Then.STATE,
    "429_rate_limit_smartcar_api": Then.PAUSE_ALL,
    "429_rate_limit_vehicle": Then.PAUSE,
    "430_billing_vehicle_limit": Then.BILLING,
    "500_server_internal": Then.LATER,
}


@pytest.mark.parametrize(("name", "then"), RECORDED.items())
def test_recorded_bodies(name: str, then: Then) -> None:
    path = SHARED_PAYLOADS / "smartcar" / "v2_errors" / f"{name}.json"
    if not path.exists():
        pytest.skip("the recorded payloads are not here")
    assert trouble_of(answer(int(name[:3]), path.read_bytes()), NOW).then is then
