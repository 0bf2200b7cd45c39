"""States of agreements by the vendor's words, and what counts as a register reading."""

import json
from typing import Any

import pytest

from wattledger.connectors.http import HttpAnswer
from wattledger.connectors.smart_meter_texas.api.answers import outcome
from wattledger.connectors.smart_meter_texas.api.values import (
    Agreement,
    AgreementState,
    agreement_state,
    agreements,
    esiids,
    on_demand_reading,
)

STATES = [
    ("Active - Authorization Confirmed", AgreementState.ACTIVE),
    ("ACT", AgreementState.ACTIVE),
    ("Pending - Customer Authorization", AgreementState.PENDING),
    ("PEN", AgreementState.PENDING),
    ("Non Active - Terminated by CSP", AgreementState.EXPIRED),
    ("Inactive", AgreementState.EXPIRED),
    ("COM", AgreementState.EXPIRED),
    ("Completed", AgreementState.EXPIRED),
    ("Expire in last 45 days", AgreementState.EXPIRED),
    ("Not Accepted", AgreementState.DECLINED),
    ("NACOM", AgreementState.DECLINED),
    ("Declined by customer", AgreementState.DECLINED),
    ("", AgreementState.UNKNOWN),
    ("something new", AgreementState.UNKNOWN),
]


@pytest.mark.parametrize(("text", "state"), STATES)
def test_a_status_text_has_one_state(text: str, state: AgreementState) -> None:
    assert agreement_state(text) is state


def said(body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return outcome(HttpAnswer(200, {"content-type": "application/json"}, raw))


def row(number: str, status: str, esiid: str = "10443720000000001") -> dict[str, str]:
    return {"agreementNumber": number, "status": status, "ESIID": esiid}


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_agreements_the_active_one_counts(turn: int) -> None:
    rows = [row("1", "Non Active - Terminated by CSP"), row("2", "Active - Authorization Confirmed")][::turn]
    found = agreements(said({"agreementStatusList": rows}))
    expected = Agreement("2", AgreementState.ACTIVE, "Active - Authorization Confirmed", "10443720000000001")
    assert found == [expected]


def test_esiids_are_listed_as_text_and_faults_are_left_out() -> None:
    body = {"esiidList": [{"ESIID": "1"}, {"esiid": "2"}, {"x": 1}], "ESIIDFaultList": [{"ESIID": "3"}]}
    assert esiids(said(body)) == ["1", "2"]


READINGS = [
    (b'{"statusCode":"0","odrRead":{"registeredRead":2.3459133E+4,"readDate":"d"}}', "23459.133"),
    (b'{"statusCode":0,"odrRead":{"registeredRead":"23459.133","readDate":"d"}}', "23459.133"),
    (b'{"statusCode":"PEN","odrRead":{"registeredRead":0E+0,"readDate":"d"}}', None),
    (b'{"statusCode":"PEN","odrRead":{"registeredRead":5,"readDate":"d"}}', None),
    (b'{"statusCode":"0","odrRead":{"registeredRead":-1}}', None),
    (b'{"statusCode":"0","odrRead":{"registeredRead":"x"}}', None),
    (b'{"statusCode":"0","odrRead":{}}', None),
    (b'{"statusCode":"0","odrRead":null}', None),
]


@pytest.mark.parametrize(("raw", "kwh"), READINGS)
def test_a_reading_is_exact_or_none(raw: bytes, kwh: str | None) -> None:
    found = on_demand_reading(said(raw))
    assert (None if found is None else str(found.kwh)) == kwh
