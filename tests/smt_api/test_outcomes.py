"""Every form of answer has its own outcome; HTTP 200 with an errorCode is never a success."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.connectors.http import HttpAnswer
from wattledger.connectors.smart_meter_texas.api.answers import faults, outcome
from wattledger.connectors.smart_meter_texas.api.outcomes import (
    Accepted,
    Answer,
    Fault,
    HtmlWall,
    Maintenance,
    NoData,
    NotAuthorised,
    NotIntegrated,
    Outcome,
    Pending,
    Rejected,
)
from wattledger.errors import BadPayload, TryLater, WattledgerError
from wattledger.faults import sabotage


def answer(body: Any, status: int = 200, mime: str = "application/json", **headers: str) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, {"content-type": mime, **headers}, raw)


ACK = {"trans_id": "1", "correlationId": "77", "statusCode": "0", "statusReason": "Request submitted"}
ALREADY = {
    "statusCode": "0001",
    "CustomerDUNSFaultList": [{"reasonCode": "Subcription is already active::1"}],
}
CASES: list[tuple[int, Any, type[Outcome]]] = [
    (200, {"trans_id": "1", "energyData": []}, Answer),
    (200, {"data": {"trans_id": "1", "energyData": []}}, Answer),
    (200, ACK, Accepted),
    (200, {"correlationID": 77}, Accepted),
    (200, {"CorrelationId": "77", "statusCode": 200}, Accepted),
    (200, {"statusCode": "PEN", "correlationId": "7", "odrRead": {"registeredRead": 0}}, Pending),
    (200, {"errorCode": "1", "errorMessage": "No data received from the respective TDSP"}, NoData),
    (200, {"errorCode": 1, "errorMessage": "No Energy Data received from the respective TDSP"}, NoData),
    (200, {"errorCode": "1", "errorMessage": "Invalid Date. Expected format of: startDate ..."}, Rejected),
    (200, {"errorCode": "2076", "errorMessage": "API Integration is not done."}, NotIntegrated),
    (200, {"errorCode": 2076}, NotIntegrated),
    (200, {"statusCode": "0001", "statusReason": "Failed"}, Rejected),
    (400, {"error": "Malformed"}, Rejected),
    (400, b"oops", Rejected),
    (400, ALREADY, Accepted),
    (401, {"errorCode": "401", "errorMessage": "Username/ServiceID Mismatch"}, NotAuthorised),
    (401, b"", NotAuthorised),
    (403, {"error": "Forbidden"}, NotAuthorised),
    (404, {"error": "Not found"}, Rejected),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_each_form_has_its_outcome(status: int, body: Any, kind: type[Outcome]) -> None:
    said = outcome(answer(body, status))
    assert type(said) is kind
    assert said.status == status


def test_an_already_active_subscription_is_a_success() -> None:
    said = outcome(answer(ALREADY, 400))
    assert isinstance(said, Accepted)
    assert said.already


def test_good_items_and_faults_stand_side_by_side() -> None:
    body = {**ACK, "ESIIDFaultList": [{"ESIID": "10443720000000009", "reasonCode": "not found"}]}
    said = outcome(answer(body))
    assert isinstance(said, Accepted)
    assert said.faults == (Fault("10443720000000009", "not found"),)


def test_a_status_answer_is_no_new_acceptance() -> None:
    assert type(outcome(answer(ACK), asked="77")) is Answer
    assert type(outcome(answer(ACK), asked="78")) is Accepted


CLOSED = [
    (answer(b"Service is under maintenance", 503, "text/plain"), Maintenance),
    (answer(b"<!DOCTYPE html><html>", 200, "text/html"), HtmlWall),
    (answer(b"\n<html><body>rejected", 403, "application/json"), HtmlWall),
    (answer({"error": "Something went wrong."}, 500), TryLater),
    (answer({"error": "busy"}, 429, **{"retry-after": "7"}), TryLater),
    (answer(b"plain words", 200, "text/plain"), TryLater),
    (answer([1, 2]), TryLater),
    (answer(b"[" * 100_000), TryLater),
    (answer(b'{"a": NaN}'), BadPayload),
]


@pytest.mark.parametrize(("said", "kind"), CLOSED)
def test_a_vendor_that_could_not_be_asked_is_an_error(said: HttpAnswer, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        outcome(said)
    assert type(caught.value) is kind


def test_the_vendors_wish_is_kept() -> None:
    with pytest.raises(TryLater) as caught:
        outcome(answer({}, 429, **{"retry-after": "7"}))
    assert caught.value.after == timedelta(seconds=7)


def test_long_words_of_a_body_stay_out_of_the_message() -> None:
    with pytest.raises(Maintenance) as caught:
        outcome(answer(b"down eyJhbGciOiJIUzI1NiJ9.secret-token-text", 503, "text/plain"))
    assert "eyJ" not in str(caught.value)
    assert "down" in str(caught.value)


@given(st.binary(max_size=300), st.sampled_from([200, 201, 204, 301, 400, 401, 403, 418, 429, 500, 501, 503]))
def test_any_bytes_give_an_outcome_or_our_error(body: bytes, status: int) -> None:
    try:
        said = outcome(answer(body, status))
    except WattledgerError:
        return
    assert said.raw == body


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c))
)
def test_any_json_gives_an_outcome_or_our_error(value: Any) -> None:
    try:
        outcome(answer(value))
    except WattledgerError:
        return


def test_an_error_code_is_no_success_whatever_else_is_there() -> None:
    assert _refuses_error_codes()


def test_sabotage_error_code_is_noticed() -> None:
    with sabotage("error_code"):
        assert not _refuses_error_codes()


def _refuses_error_codes() -> bool:
    body = {"errorCode": "9", "errorMessage": "no", "energyData": [{"RD": "1-A"}], "correlationId": "7"}
    return not isinstance(outcome(answer(body)), (Answer, Accepted, Pending))


def test_fault_lists_of_odd_shapes_are_survived() -> None:
    assert faults({"XFaultList": [1, None, {"reasonCode": 5}], "otherFaultList": "text"}) == (Fault("", "5"),)
