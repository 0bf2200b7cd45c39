"""The client over real sockets: one renewal and one more try on a 401, no repeated effects, no secrets."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tests.smt_api.conftest import ESIID, Naps, SetClock
from wattledger.connectors.smart_meter_texas.api.client import SmtClient, make_client, new_trans_id, perform
from wattledger.connectors.smart_meter_texas.api.outcomes import (
    Accepted,
    Answer,
    HtmlWall,
    Maintenance,
    NoData,
    NotAuthorised,
    NotIntegrated,
    Pending,
)
from wattledger.connectors.smart_meter_texas.api.requests import Requester
from wattledger.connectors.smart_meter_texas.api.values import on_demand_reading
from wattledger.errors import LoginRequired, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smart_meter_texas import SmtSimulator

DAY = {"esiid": ESIID, "start": "2026-11-01", "end": "2026-11-01"}
REQUESTS: list[tuple[str, Mapping[str, Any], type]] = [
    ("backfill", DAY, Accepted),
    ("backfill", {**DAY, "delivery": "API"}, Answer),
    ("daily_reads", DAY, Answer),
    ("daily_reads", {**DAY, "delivery": "FTP"}, Accepted),
    ("monthly_billing", DAY, Answer),
    ("meter_info", {"esiid": ESIID}, Accepted),
    ("meter_info", {"esiid": ESIID, "delivery": "API"}, NotIntegrated),
    ("premise_info", {"esiid": ESIID}, Answer),
    ("on_demand_read", {"esiid": ESIID}, Accepted),
    ("report_status", {"correlation_id": "404"}, NoData),
    ("agreements", {}, Answer),
    ("subscriptions", {}, Answer),
    ("subscription_new", {}, Accepted),
]


def data_calls(vendor: SmtSimulator) -> list[str]:
    return [call.path for call in vendor.calls if call.path != "/v2/token/"]


@pytest.mark.parametrize(("kind", "request_", "expected"), REQUESTS)
async def test_every_kind_gets_its_outcome(
    client: SmtClient, kind: str, request_: Mapping[str, Any], expected: type
) -> None:
    answer = await perform(kind, request_, client)
    assert [type(said) for said in answer.outcomes] == [expected]
    assert answer.body == answer.outcomes[0].raw
    assert 0 < len(answer.trans_id) <= 32
    assert answer.trans_id.isalnum()


async def test_a_revoked_token_is_renewed_once_and_the_call_made_again(
    client: SmtClient, vendor: SmtSimulator, naps: Naps
) -> None:
    await perform("subscriptions", {}, client)
    vendor.revoke_tokens()
    answer = await perform("subscriptions", {}, client)
    assert type(answer.outcomes[0]) is Answer
    assert vendor.token_calls() == 2
    assert naps.taken == [0.5]


async def test_a_second_401_ends_it(client: SmtClient, vendor: SmtSimulator) -> None:
    vendor.script.answer(401, {"error": "Unauthorized"}, times=5)
    answer = await perform("subscriptions", {}, client)
    assert type(answer.outcomes[0]) is NotAuthorised
    assert vendor.token_calls() == 2
    assert len(data_calls(vendor)) == 2


async def test_sabotage_renew_on_401_is_noticed(client: SmtClient, vendor: SmtSimulator) -> None:
    await perform("subscriptions", {}, client)
    vendor.revoke_tokens()
    with sabotage("renew_on_401"):
        answer = await perform("subscriptions", {}, client)
    assert type(answer.outcomes[0]) is not Answer


async def test_a_401_about_rights_renews_no_token(client: SmtClient, vendor: SmtSimulator) -> None:
    vendor.script.answer(401, {"errorCode": "401", "errorMessage": "No agreement"})
    answer = await perform("daily_reads", DAY, client)
    assert type(answer.outcomes[0]) is NotAuthorised
    assert vendor.token_calls() == 1


async def test_a_403_on_one_path_leaves_the_others_working(client: SmtClient, vendor: SmtSimulator) -> None:
    vendor.script.answer(403, {"error": "Forbidden"}, "/v2/dailyreads/")
    assert type((await perform("daily_reads", DAY, client)).outcomes[0]) is NotAuthorised
    assert type((await perform("subscriptions", {}, client)).outcomes[0]) is Answer


async def test_a_read_is_tried_again_after_a_pause(
    client: SmtClient, vendor: SmtSimulator, naps: Naps
) -> None:
    vendor.script.answer(500, {"error": "Something went wrong."}, times=2)
    answer = await perform("daily_reads", DAY, client)
    assert type(answer.outcomes[0]) is Answer
    assert naps.taken == [0.5, 1.0]
    assert len({call.body["trans_id"] for call in vendor.calls if "trans_id" in call.body}) == 3


@pytest.mark.parametrize("kind", ["backfill", "on_demand_read", "subscription_new"])
async def test_what_could_take_effect_twice_is_sent_once(
    client: SmtClient, vendor: SmtSimulator, kind: str
) -> None:
    vendor.script.answer(500, {"error": "Something went wrong."})
    wanted = {"backfill": DAY, "on_demand_read": {"esiid": ESIID}}.get(kind, {})
    with pytest.raises(TryLater):
        await perform(kind, wanted, client)
    assert len(data_calls(vendor)) == 1


async def test_maintenance_and_walls_are_their_own_errors(client: SmtClient, vendor: SmtSimulator) -> None:
    vendor.script.maintenance()
    with pytest.raises(Maintenance):
        await perform("daily_reads", DAY, client)
    vendor.script.wall()
    with pytest.raises(HtmlWall):
        await perform("daily_reads", DAY, client)
    assert len(data_calls(vendor)) == 2


async def test_a_vendor_that_keeps_failing_is_left_alone(
    client: SmtClient, vendor: SmtSimulator, clock: SetClock
) -> None:
    vendor.script.answer(500, {"error": "Something went wrong."}, times=50)
    for _ in range(6):
        with pytest.raises(TryLater):
            await perform("daily_reads", DAY, client)
    asked = len(data_calls(vendor))
    assert asked == 5
    vendor.script.faults.clear()
    clock.forward(31)
    assert type((await perform("daily_reads", DAY, client)).outcomes[0]) is Answer


async def test_a_pending_zero_is_no_reading(client: SmtClient) -> None:
    assert await _pending_is_no_reading(client)


async def test_sabotage_pending_zero_is_noticed(client: SmtClient) -> None:
    with sabotage("pending_zero"):
        assert not await _pending_is_no_reading(client)


async def _pending_is_no_reading(client: SmtClient) -> bool:
    asked = (await perform("on_demand_read", {"esiid": ESIID}, client)).outcomes[0]
    assert isinstance(asked, Accepted)
    status = {"correlation_id": asked.correlation_id}
    first = (await perform("on_demand_status", status, client)).outcomes[0]
    second = (await perform("on_demand_status", status, client)).outcomes[0]
    assert isinstance(first, Pending)
    reading = on_demand_reading(second)
    assert reading is not None
    assert str(reading.kwh) == "23459.133"
    return on_demand_reading(first) is None


async def test_no_other_token_path_and_no_call_without_a_token(
    client: SmtClient, vendor: SmtSimulator
) -> None:
    for kind, request, _ in REQUESTS:
        await perform(kind, request, client)
    tokens = [call for call in vendor.calls if "password" in str(call.body)]
    assert {call.path for call in tokens} == {"/v2/token/"}
    assert all(call.headers["authorization"].startswith("Bearer eyJ") for call in vendor.calls[1:])
    assert {call.path for call in vendor.calls if "oauth" in call.path or "energydata" in call.path} == set()


async def test_agreements_and_subscriptions_carry_the_service_id_in_headers(
    client: SmtClient, vendor: SmtSimulator
) -> None:
    meters = [{"esiid": ESIID, "meter_number": "M1", "puct_number": "10052"}]
    await perform("agreement_new", {"email": "me@example.org", "meters": meters}, client)
    await perform("subscription_new", {}, client)
    for call in vendor.calls[1:]:
        assert (
            call.headers["username"] == call.headers["serviceid"] == call.body["requestorID"] == "INTELLIPATH"
        )


async def test_an_agreement_lives_and_ends(client: SmtClient, vendor: SmtSimulator) -> None:
    meters = [{"esiid": ESIID, "meter_number": "M1", "puct_number": "10052"}]
    await perform("agreement_new", {"email": "me@example.org", "meters": meters}, client)
    number = vendor.agreements[0]["agreementNumber"]
    listed = await perform("agreement_esiids", {"agreement_number": number}, client)
    assert ESIID.encode() in listed.body
    ended = {"agreement_number": number, "email": "me@example.org"}
    assert type((await perform("agreement_terminate", ended, client)).outcomes[0]) is Accepted
    assert vendor.agreements[0]["status"].startswith("Non Active")
    await perform("subscription_new", {}, client)
    again = (await perform("subscription_new", {}, client)).outcomes[0]
    assert isinstance(again, Accepted)
    assert again.already
    number = vendor.subscriptions[0]["subscriptionNumber"]
    await perform("subscription_end", {"subscription_number": number}, client)
    assert vendor.subscriptions == []


async def test_no_secret_reaches_a_log_an_error_or_a_repr(
    vendor: SmtSimulator, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "canary-password-8f3a"
    client = make_client(vendor.api_url, Requester("INTELLIPATH"), canary, clock)
    with pytest.raises(LoginRequired) as caught:
        await perform("subscriptions", {}, client)
    vendor.password = canary
    clock.forward(61)
    answer = await perform("subscriptions", {}, client)
    await client.aclose()
    token = next(iter(vendor.tokens))
    seen = f"{caught.value} {caught.value!r} {answer!r} {caplog.text} {vars(client)['_last']!r}"
    assert canary not in seen
    assert token not in seen


async def test_transaction_ids_differ(clock: SetClock) -> None:
    made = {new_trans_id(clock) for _ in range(1000)}
    assert len(made) == 1000
    assert {len(word) for word in made} == {28}
