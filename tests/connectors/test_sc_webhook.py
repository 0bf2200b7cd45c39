"""Who may call our webhook, how a challenge is answered, and what a call means to the connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.payloads.smartcar import (
    CAR,
    TOKEN,
    USER,
    entry,
    error,
    event,
    flat,
    raw,
    scheduled,
    signed,
    state,
    trouble,
    verify,
)
from wattledger.connectors.smartcar import CONNECTOR
from wattledger.connectors.smartcar.envelope import LARGEST
from wattledger.connectors.webhooks import Webhook
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, Refused
from wattledger.faults import sabotage

BODY = b'{"pizza":"pasta"}'
PIZZA = "4c05a8da471f05156ad717baa4017acd13a3a809850b9ca7d3301dcaaa854f70"
SOC = "tractionbattery-stateofcharge"


def refused(headers: Any, body: bytes = BODY, secrets: Any = ("amt",)) -> bool:
    try:
        CONNECTOR.verify(headers, body, secrets)
    except Refused as error:
        assert error.status == 401
        return True
    return False


def test_it_is_a_webhook() -> None:
    assert isinstance(CONNECTOR, Webhook)


@pytest.mark.parametrize("name", ["SC-Signature", "sc-signature", "Sc-Signature"])
@pytest.mark.parametrize("secrets", [["amt"], ["older", "amt"], ["amt", "newer"]])
def test_the_vendors_own_vector_under_any_of_the_tokens(name: str, secrets: list[str]) -> None:
    assert not refused({name: PIZZA}, secrets=secrets)
    assert not refused({name: PIZZA.upper(), "content-type": "text/html"}, secrets=secrets)


def test_whatever_the_raw_bytes_are_counts() -> None:
    assert refused({"sc-signature": PIZZA}, b'{"pizza": "pasta"}')
    body = bytes(range(256))
    assert not refused(signed(body), body, [TOKEN])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sc-signature": ""},
        {"sc-signature": "0" * 64},
        {"sc-signature": PIZZA[:-1]},
        {"sc-signature": PIZZA + " "},
        {"sc-signature": f"{PIZZA}\n"},
        {"sc-signature": f"sha256={PIZZA}"},
        {"sc-signature": f"{PIZZA},{PIZZA}"},
        {"sc-signature": PIZZA, "SC-Signature": PIZZA},
        {"sc-signature": "0" * 64, "SC-SIGNATURE": PIZZA},
        {"sc-signature": "é" * 64},
        {"sc-signature": "٠" * 64},
        {"sc-signature": "\udcff" * 64},
        {"sc-signature": "\x00" * 64},
        {"x-signature": PIZZA},
    ],
)
def test_a_signature_that_is_missing_wrong_strange_or_there_twice(headers: dict[str, str]) -> None:
    assert refused(headers)


@pytest.mark.parametrize("value", [None, 5, b"x", ["x"]])
def test_a_signature_that_is_no_text(value: Any) -> None:
    assert refused({"sc-signature": value})


def test_no_token_verifies_nothing() -> None:
    """An empty one least of all: everybody could sign with that."""
    assert refused({"sc-signature": PIZZA}, secrets=[])
    assert refused(signed(BODY, ""), secrets=[""])
    assert not refused(signed(BODY, "clé"), secrets=["", "clé"])


def test_sabotage_webhook_signature_is_noticed() -> None:
    assert refused({"sc-signature": "0" * 64})
    with sabotage("webhook_signature"):
        assert not refused({"sc-signature": "0" * 64})


@pytest.mark.parametrize("old", [False, True])
def test_a_challenge_is_answered_with_its_hmac(old: bool) -> None:
    found = CONNECTOR.reply(raw(verify("any-abcd", old)), ["amt", "next"])
    assert found is not None
    assert (found.status, found.mime) == (200, "application/json")
    assert json.loads(found.body) == {
        "challenge": "36e91bee340d4969f8c08e1c0f66f35ee33cde0780049543d8a7c9497b60666a"
    }


@pytest.mark.parametrize("said", [state(), trouble(), scheduled(), event("CHARGING_STARTED")])
def test_other_calls_get_no_answer_of_their_own(said: Any) -> None:
    assert CONNECTOR.reply(raw(said), ["amt"]) is None


STRANGE: list[Any] = [
    None,
    "",
    5,
    {},
    ["a"],
    "a" * 129,
    '{"eventType":"VEHICLE_STATE"}',
    "{}",
    'a"b',
    "a b",
    "a\n",
    "é",
    "{a",
]


@pytest.mark.parametrize("challenge", STRANGE)
@pytest.mark.parametrize("old", [False, True])
def test_what_is_no_short_token_is_not_signed(challenge: Any, old: bool) -> None:
    """The route is open to all: what it signs must never be the body of an event."""
    with pytest.raises(BadPayload, match="challenge"):
        CONNECTOR.reply(raw(verify(challenge, old)), ["amt"])


def test_sabotage_challenge_alphabet_is_noticed() -> None:
    forged = json.dumps(state(flat(SOC, {"value": 1, "unit": "percent"})))

    def forgeable() -> bool:
        try:
            answer = CONNECTOR.reply(raw(verify(forged)), [TOKEN])
        except BadPayload:
            return False
        assert answer is not None
        return not refused({"sc-signature": json.loads(answer.body)["challenge"]}, forged.encode(), [TOKEN])

    assert not forgeable()
    with sabotage("challenge_alphabet"):
        assert forgeable()


def test_a_challenge_without_a_token_names_the_setting() -> None:
    with pytest.raises(Misconfigured, match="SMARTCAR_MANAGEMENT_TOKEN"):
        CONNECTOR.reply(raw(verify()), [])


@pytest.mark.parametrize(
    ("said", "ids", "event_id", "user", "test"),
    [
        (state(), (CAR,), "e-1", USER, False),
        (state(inside=True), (CAR,), "e-1", USER, False),
        (state(meta={"mode": "TEST"}), (CAR,), "e-1", USER, True),
        (state(meta={"mode": "test"}, inside=True), (CAR,), "e-1", USER, True),
        (state(meta={"mode": "SIMULATED"}), (CAR,), "e-1", USER, False),
        (state(vehicleId=CAR), (CAR,), "e-1", USER, False),
        (state(data={}, vehicleId=CAR), (CAR,), "e-1", None, False),
        (state(data=None), (), "e-1", None, False),
        (state(eventId=17), (CAR,), "17", USER, False),
        (state(eventId=None), (CAR,), None, USER, False),
        (state(data={"user": {"id": "odd|user"}}, vehicleId=CAR), (CAR,), "e-1", "odd|user", False),
        (trouble(), (CAR,), "e-1", USER, False),
        (verify(), (), "e", None, False),
        (verify(old=True), (), None, None, False),
        (event("CHARGING_STARTED"), (CAR,), "e-2", None, False),
        (scheduled(), (CAR,), "r-1", None, False),
        (scheduled(entry("/battery", {}), mode="test"), (CAR,), "r-1", None, True),
        (scheduled(vehicleId="x/y"), (), "r-1", None, False),
    ],
)
def test_what_a_call_is_about(
    said: Any, ids: tuple[str, ...], event_id: str | None, user: str | None, test: bool
) -> None:
    found = CONNECTOR.call(raw(said))
    assert (found.external_ids, found.event, found.user, found.test) == (ids, event_id, user, test)
    assert found.consequence is None


def test_a_repetition_is_the_same_event() -> None:
    again = state(meta={"deliveryId": "other", "deliveredAt": 1})
    assert CONNECTOR.call(raw(state())).event == CONNECTOR.call(raw(again)).event


REAUTH: dict[str, Any] = {"resolution": {"type": "REAUTHENTICATE", "url": "https://connect.smartcar.com/"}}
CSA = "CONNECTED_SERVICES_ACCOUNT"
OTHER_CODES = ("ACCOUNT_ISSUE", "NO_VEHICLES", "SUBSCRIPTION", "VEHICLE_MISSING", "VIRTUAL_KEY_REQUIRED")
ROLE = {"group": "VehicleUserAccount", "name": "Role"}
RIGHTS = {"code": "vehicleuseraccount-permissions", "group": "VehicleUserAccount", "name": "Permissions"}


@pytest.mark.parametrize(
    ("one", "login"),
    [
        (error(CSA, "AUTHENTICATION_FAILED", **REAUTH), True),
        (error(CSA, "AUTHENTICATION_FAILED"), True),
        (error(CSA, "AUTHENTICATION_FAILED", None), True),
        (error(CSA, "AUTHENTICATION_FAILED", signals=[RIGHTS]), True),
        (error(CSA, "PERMISSION"), True),
        (error(CSA, "PERMISSION", signals=[RIGHTS]), False),
        (error(CSA, "AUTHENTICATION_FAILED", "RESOLVED"), False),
        (error(CSA, "AUTHENTICATION_FAILED", "resolved"), False),
        (error(CSA, "AUTHENTICATION_FAILED", "PENDING"), False),
        *[
            (error(CSA, code, **REAUTH), False)
            for code in (*OTHER_CODES, None)
        ],
        (error("PERMISSION", None, **REAUTH), True),
        (error("PERMISSION", None, resolution="REAUTHENTICATE"), True),
        (error("PERMISSION", None, signals=[], **REAUTH), True),
        (error("PERMISSION", None), False),
        (error("PERMISSION", None, resolution={"type": "CONTACT_SUPPORT"}), False),
        (error("PERMISSION", None, resolution={"type": None}), False),
        (error("PERMISSION", None, "RESOLVED", **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=[RIGHTS], **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=["VehicleUserAccount.Permissions"], **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=[ROLE], **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=["closure-fronttrunk"], **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=["location-preciselocation"], **REAUTH), False),
        (error("PERMISSION", "UNKNOWN", signals=[SOC], **REAUTH), True),
        (error("PERMISSION", "UNKNOWN", signals=["TractionBattery.StateOfCharge", RIGHTS], **REAUTH), True),
        (error("COMPATIBILITY", "VEHICLE_NOT_CAPABLE", signals=[SOC]), False),
        (error("VEHICLE_STATE", "ASLEEP", resolution={"type": "RETRY_LATER"}), False),
        (error("AUTHENTICATION", None, **REAUTH), False),
        (error("VEHICLE_STATE", "UNREACHABLE", **REAUTH), False),
        (error("RATE_LIMIT", "SMARTCAR_API"), False),
        (error("BILLING", "INVALID_PLAN"), False),
        ("AUTHENTICATION_FAILED", False),
        (None, False),
    ],
)  # fmt: skip
def test_only_documented_errors_ask_the_owner_to_sign_in(one: Any, login: bool) -> None:
    assert isinstance(CONNECTOR.call(raw(trouble(one))).consequence, LoginRequired) is login
    harmless = error("VEHICLE_STATE", "ASLEEP")
    assert isinstance(CONNECTOR.call(raw(trouble(harmless, one))).consequence, LoginRequired) is login
    assert CONNECTOR.call(raw(trouble(one, meta={"mode": "TEST"}))).consequence is None


def test_sabotage_needed_signals_is_noticed() -> None:
    """Errors of rights at the maker's come daily; they must not end connections."""
    daily = raw(trouble(error("PERMISSION", "UNKNOWN", signals=[RIGHTS], **REAUTH)))
    assert CONNECTOR.call(daily).consequence is None
    with sabotage("needed_signals"):
        assert CONNECTOR.call(daily).consequence is not None


def test_signals_that_failed_within_a_state_end_nothing() -> None:
    lost = flat(SOC, None, "ERROR")
    lost["status"]["error"] = {"type": CSA, "code": "AUTHENTICATION_FAILED", **REAUTH}
    assert CONNECTOR.call(raw(state(lost))).consequence is None


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"VERIFY"', b"<html>", b"\xff", b"{", b"[" * 5000, b"{}"]
)
def test_what_is_no_webhook_is_a_bad_payload(body: bytes) -> None:
    for tried in (CONNECTOR.call, lambda b: CONNECTOR.reply(b, ["amt"])):
        with pytest.raises(BadPayload):
            tried(body)


def test_more_than_fifty_kibibytes_are_a_bad_payload() -> None:
    said = raw(state())
    assert CONNECTOR.call(said + b" " * (LARGEST - len(said))).external_ids == (CAR,)
    with pytest.raises(BadPayload, match="50 KiB"):
        CONNECTOR.call(said + b" " * (LARGEST + 1 - len(said)))
    with pytest.raises(BadPayload, match="50 KiB"):
        CONNECTOR.reply(raw(verify()) + b" " * LARGEST, ["amt"])


def test_two_vehicles_for_one_are_a_bad_payload() -> None:
    with pytest.raises(BadPayload, match="two vehicles"):
        CONNECTOR.call(raw(state(vehicleId="another-car")))
