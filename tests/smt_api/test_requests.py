"""Requests are spelled as the vendor's guide spells them; a wrong field is refused by its name."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.smt_api.conftest import ESIID, SetClock
from wattledger.connectors.smart_meter_texas.api.client import SmtClient, perform
from wattledger.connectors.smart_meter_texas.api.limits import ApiLimits
from wattledger.connectors.smart_meter_texas.api.requests import KINDS, ApiCall, Requester, calls
from wattledger.connectors.smart_meter_texas.api.sizing import TIERS, plan
from wattledger.errors import Refused, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_api import RESOURCES

TODAY = date(2026, 11, 20)
WHO = Requester("INTELLIPATH", "CSP", "134642921")
LONG = "1008901012126195372100"
DAYS = {"start": "2026-11-01", "end": "11/02/2026"}


def one(kind: str, request: dict[str, Any], who: Requester = WHO) -> ApiCall:
    [[call]] = calls(kind, request, who, TODAY)
    return call


def test_a_backfill_is_spelled_as_the_vendor_wants_it() -> None:
    call = one("backfill", {"kind": "backfill", "esiids": [LONG], **DAYS})
    assert call.path == "/v2/15minintervalreads/"
    assert call.body == {
        "requestorID": "INTELLIPATH",
        "requesterType": "CSP",
        "requesterAuthenticationID": "134642921",
        "startDate": "11/01/2026",
        "endDate": "11/02/2026",
        "deliveryMode": "FTP",
        "reportFormat": "CSV",
        "version": "A",
        "readingType": "A",
        "esiid": [LONG],
        "SMTTermsandConditions": "Y",
    }


def test_an_on_demand_read_names_one_esiid_in_upper_case() -> None:
    assert one("on_demand_read", {"esiid": ESIID}).body["ESIID"] == ESIID


def test_a_new_agreement_has_numbers_where_the_vendor_has_them() -> None:
    meters = [{"esiid": ESIID, "meter_number": "0123", "puct_number": "10052"}]
    body = one("agreement_new", {"email": "me@example.org", "meters": meters}).body
    assert body["customerMeterList"] == [{"ESIID": ESIID, "meterNumber": "0123", "PUCTRORNumber": 10052}]
    assert body["agreementDuration"] == 12
    assert "requesterType" not in body


def test_a_private_person_sends_no_duns() -> None:
    body = one("subscriptions", {}, Requester("ME", "RES")).body
    assert "requesterAuthenticationID" not in body


def test_leading_zeros_of_a_duns_stay() -> None:
    body = one("subscriptions", {}, Requester("ME", "CSP", "0012345678901")).body
    assert body["requesterAuthenticationID"] == "0012345678901"


@pytest.mark.parametrize("kind", KINDS)
def test_every_path_is_one_that_the_vendor_lists(kind: str) -> None:
    request: dict[str, Any] = {
        "esiid": ESIID,
        **DAYS,
        "correlation_id": "1",
        "agreement_number": "1",
        "subscription_number": "1",
        "email": "a@b.example",
        "meters": [{"esiid": ESIID, "meter_number": "1", "puct_number": "1"}],
    }
    assert _known_part(kind, request).path in RESOURCES


def _known_part(kind: str, request: dict[str, Any]) -> ApiCall:
    """The call that is left when the fields that this kind does not know are taken away."""
    try:
        return one(kind, request)
    except Refused as error:
        assert "is not a field" in str(error)
        return _known_part(kind, {k: v for k, v in request.items() if k != error.field})


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("nonsense", {}, "kind"),
    ("backfill", DAYS, "esiid"),
    ("backfill", {"esiid": 10443720000000001, **DAYS}, "esiid"),
    ("backfill", {"esiid": "1044372000000000", **DAYS}, "esiid"),
    ("backfill", {"esiids": [], **DAYS}, "esiids"),
    ("backfill", {"esiids": ["1.04437E+16"], **DAYS}, "esiids"),
    ("backfill", {"esiid": ESIID, "start": "2026-11-01"}, "end"),
    ("backfill", {"esiid": ESIID, "start": "2026-02-30", "end": "2026-11-01"}, "start"),
    ("backfill", {"esiid": ESIID, "start": "2026-11-03", "end": "2026-11-01"}, "start"),
    ("backfill", {"esiid": ESIID, "start": "2026-11-03", "end": "2027-01-01"}, "end"),
    ("backfill", {"esiid": ESIID, "start": "2020-11-03", "end": "2026-11-01"}, "start"),
    ("backfill", {"esiid": ESIID, **DAYS, "surprise": 1}, "surprise"),
    ("backfill", {"esiid": ESIID, **DAYS, "delivery": "FTPS"}, "delivery"),
    ("daily_reads", {"esiids": [f"10443720000{n:06d}" for n in range(201)], **DAYS}, "esiids"),
    ("report_status", {"correlation_id": "a b"}, "correlation_id"),
    ("report_status", {"correlation_id": True}, "correlation_id"),
    ("agreement_new", {"email": "nobody", "meters": [{}]}, "email"),
    ("agreement_new", {"email": "a@b.example", "months": 24, "meters": [{}]}, "months"),
    ("agreement_new", {"email": "a@b.example", "months": 5, "meters": [{}]}, "months"),
    ("agreement_new", {"email": "a@b.example", "meters": []}, "meters"),
    ("agreement_terminate", {"agreement_number": "1"}, "email"),
    ("subscription_new", {"history_months": 7}, "history_months"),
    ("subscription_end", {}, "subscription_number"),
]


@pytest.mark.parametrize(("kind", "request_", "field"), WRONG)
def test_a_wrong_field_is_refused_by_its_name(kind: str, request_: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        calls(kind, request_, WHO, TODAY)
    assert caught.value.field == field
    assert caught.value.status == 400


@given(st.integers(1, 1200), st.integers(1, 730))
def test_a_plan_covers_everything_once_and_keeps_every_days_limit(esiids: int, days: int) -> None:
    names = [str(n) for n in range(esiids)]
    last = TODAY - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    planned = plan(names, first, last)
    asks = [ask for today in planned for ask in today]
    covered = sum(len(ask.esiids) * ((ask.last - ask.first).days + 1) for ask in asks)
    assert covered == esiids * days
    assert min(ask.first for ask in asks) == first
    assert max(ask.last for ask in asks) == last
    for today in planned:
        assert sum(ask.share for ask in today) <= 1 + 1e-9
    for ask in asks:
        assert any(
            len(ask.esiids) <= t.esiids and (ask.last - ask.first).days < t.days and ask.share == 1 / t.a_day
            for t in TIERS
        )


def test_a_year_of_one_meter_is_one_request() -> None:
    assert [len(today) for today in plan([ESIID], date(2025, 11, 21), date(2026, 11, 20))] == [1]


async def test_a_long_backfill_stops_at_the_days_limit(client: SmtClient, vendor: SmtSimulator) -> None:
    many = [ESIID, *(f"10443720001{n:06d}" for n in range(199))]
    answer = await perform("backfill", {"esiids": many, "start": "2026-10-01", "end": "2026-10-30"}, client)
    assert 0 < len(answer.outcomes) <= 20
    assert answer.left > 0
    assert len(vendor.calls) == 1 + len(answer.outcomes)
    with pytest.raises(TryLater, match="tomorrow"):
        await perform("backfill", {"esiids": many, "start": "2026-10-01", "end": "2026-10-30"}, client)


def test_the_limit_begins_anew_at_central_midnight(clock: SetClock) -> None:
    limits = ApiLimits(clock)
    call = ApiCall("/v2/15minintervalreads/", {}, share=1.0)
    limits.take(call)
    with pytest.raises(TryLater) as caught:
        limits.take(call)
    assert caught.value.after == timedelta(hours=12)
    clock.forward(12 * 3600)
    limits.take(call)


def test_a_meter_is_read_on_demand_twice_an_hour_at_most(clock: SetClock) -> None:
    limits = ApiLimits(clock)
    call = ApiCall("/v2/odr/", {"ESIID": ESIID})
    limits.take(call)
    limits.take(ApiCall("/v2/odr/", {"ESIID": LONG}))
    clock.forward(29 * 60)
    with pytest.raises(TryLater) as caught:
        limits.take(call)
    assert caught.value.after == timedelta(minutes=1)
    clock.forward(60)
    limits.take(call)


def test_sabotage_day_limit_is_noticed(clock: SetClock) -> None:
    limits = ApiLimits(clock)
    call = ApiCall("/v2/15minintervalreads/", {}, share=1.0)
    with sabotage("day_limit"):
        limits.take(call)
        limits.take(call)
