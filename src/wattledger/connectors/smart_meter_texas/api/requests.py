"""Each kind of request -> the vendor's path and JSON body, spelled as its guide spells them.

Paths are case-exact with a trailing slash; `requestorID` has an o; identifiers are text; dates MM/DD/YYYY.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from wattledger.connectors.smart_meter_texas.api.fields import Fields
from wattledger.connectors.smart_meter_texas.api.sizing import Ask, plan
from wattledger.errors import Refused

AGREEMENT_MONTHS = frozenset({1, 3, 6, 9, 12, 24, 36})
HISTORY_MONTHS = frozenset({3, 6, 9, 12, 24})
AGREEMENT_STATES = frozenset({"PEN", "ACT", "COM", "NACOM"})
SUBSCRIPTIONS = frozenset({"CSPENROLL", "SCHEDULE", "SCHEDULES", "REPENROLL"})
MOST_METERS = 10_000
BY_FILE_OR_API = frozenset({"API", "FTP", "EML"})
FORMATS = {"API": "JSON", "FTP": "CSV", "EML": "CSV"}


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: the service ID, its type, and a DUNS number of 9 to 13 digits kept as text."""

    username: str
    kind: str = "CSP"
    duns: str | None = None

    @property
    def common(self) -> dict[str, Any]:
        """The fields that most requests begin with."""
        duns = {"requesterAuthenticationID": self.duns} if self.duns else {}
        return {"requestorID": self.username, "requesterType": self.kind, **duns}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call. `named`: needs the headers username and serviceId; `repeatable`: asking twice is safe."""

    path: str
    body: dict[str, Any] = field(repr=False)
    named: bool = False
    repeatable: bool = True
    share: float = 0.0
    """part of a day's backfill limit that it takes"""


Built = list[list[ApiCall]]
"""calls of each day to come, today's first"""
Builder = Callable[[Fields, Requester], Built]

TERMS = {"SMTTermsandConditions": "Y"}


def calls(kind: str, request: Mapping[str, Any], who: Requester, today: date) -> Built:
    """The calls that a request means. Raises Refused naming the field that is wrong."""
    build = KINDS.get(kind)
    if build is None:
        known = ", ".join(KINDS)
        raise Refused(f"There is no request kind {kind!r:.40}; there are: {known}.", "BAD_KIND", "kind")
    fields = Fields(request, today)
    built = build(fields, who)
    fields.end()
    return built


def _one(path: str, body: dict[str, Any], **more: bool) -> Built:
    return [[ApiCall(path, body, **more)]]


def _us(day: date) -> str:
    return f"{day:%m/%d/%Y}"


def _reads(who: Requester, ask: Ask, delivery: str, reading: str, version: str) -> dict[str, Any]:
    return {
        **who.common,
        "startDate": _us(ask.first),
        "endDate": _us(ask.last),
        "deliveryMode": delivery,
        "reportFormat": FORMATS[delivery],
        "version": version,
        "readingType": reading,
        "esiid": list(ask.esiids),
        **TERMS,
    }


def _backfill(fields: Fields, who: Requester) -> Built:
    """15-minute reads as files in the drop, every version, both flows unless told otherwise."""
    esiids, (first, last) = fields.esiids(most=MOST_METERS), fields.days()
    delivery = fields.choice("delivery", BY_FILE_OR_API, "FTP")
    reading = fields.choice("reading", {"A", "C", "G"}, "A")
    version = fields.choice("version", {"A", "L"}, "A")
    return [
        [
            ApiCall(
                "/v2/15minintervalreads/",
                _reads(who, ask, delivery, reading, version),
                repeatable=False,
                share=ask.share,
            )
            for ask in day
        ]
        for day in plan(esiids, first, last)
    ]


def _ranged(path: str, reading: str) -> Builder:
    def build(fields: Fields, who: Requester) -> Built:
        first, last = fields.days()
        ask = Ask(fields.esiids(), first, last, 0)
        delivery = fields.choice("delivery", BY_FILE_OR_API, "API")
        return _one(path, _reads(who, ask, delivery, reading, "L"), repeatable=delivery == "API")

    return build


def _meter_info(fields: Fields, who: Requester) -> Built:
    """By file unless told otherwise: most accounts get error 2076 for an answer by API."""
    esiids = fields.esiids()
    delivery = fields.choice("delivery", BY_FILE_OR_API, "FTP")
    form = "JSON" if len(esiids) == 1 else "CSV"
    wanted = {"deliveryMode": delivery, "reportFormat": form, "version": "L"}
    body = {**who.common, **wanted, "ESIIDMeterList": [{"esiid": e} for e in esiids], **TERMS}
    return _one("/v2/meterInfo/", body, repeatable=delivery == "API")


def _premise_info(fields: Fields, who: Requester) -> Built:
    esiids = list(fields.esiids())
    delivery = fields.choice("delivery", BY_FILE_OR_API, "API")
    wanted = {"deliveryMode": delivery, "reportFormat": FORMATS[delivery], "version": "L"}
    body = {**who.common, **wanted, "esiid": esiids, **TERMS}
    return _one("/v2/premiseInfo/", body, repeatable=delivery == "API")


def _on_demand_read(fields: Fields, who: Requester) -> Built:
    wanted = {"ESIID": fields.esiid(), "reportFormat": "JSON", "deliveryMode": "API"}
    return _one("/v2/odr/", {**who.common, **wanted, **TERMS}, repeatable=False)


def _on_demand_status(fields: Fields, who: Requester) -> Built:
    wanted = {"correlationId": fields.word("correlation_id"), "reportFormat": "JSON", "deliveryMode": "API"}
    return _one("/v2/odrstatus/", {"requestorID": who.username, **wanted})


def _report_status(fields: Fields, who: Requester) -> Built:
    service = fields.choice("service", {"ADHOC", "SUBSCRIPTION"}, "ADHOC")
    wanted = {"correlationId": fields.word("correlation_id"), "serviceType": service}
    return _one("/v2/reportrequeststatus/", {"requestorID": who.username, **wanted})


def _agreement_new(fields: Fields, who: Requester) -> Built:
    """The customer must approve by email. Homes and small businesses may agree to 12 months at most."""
    months = fields.months("months", AGREEMENT_MONTHS, 12)
    if months > 12 and fields.raw("business") is not True:
        raise Refused("The field months may exceed 12 for a large business only.", "BAD_FIELD", "months")
    fields.raw("business")
    body = {key: v for key, v in who.common.items() if key != "requesterType"} | {
        "retailCustomerEmail": fields.email(),
        "agreementDuration": months,
        "customerLanguagePreference": fields.choice("language", {"ENGLISH", "SPANISH"}, "ENGLISH"),
        "customerMeterList": [_meter(row) for row in fields.rows("meters")],
        **TERMS,
    }
    return _one("/v2/NewAgreement/", body, named=True, repeatable=False)


def _meter(row: Fields) -> dict[str, Any]:
    puct = row.word("puct_number")
    if not puct.isdecimal():
        raise Refused("The field puct_number must be the retailer's number.", "BAD_FIELD", "puct_number")
    meter = {"ESIID": row.esiid(), "meterNumber": row.word("meter_number"), "PUCTRORNumber": int(puct)}
    row.end()
    return meter


def _agreements(fields: Fields, who: Requester) -> Built:
    number = fields.optional_word("agreement_number")
    state = fields.choice("status", AGREEMENT_STATES | {""}, "")
    wanted = {"agreementNumber": number, "statusReason": state}
    return _one("/v2/myagreements/", {**who.common, **{k: v for k, v in wanted.items() if v}, **TERMS})


def _agreement_esiids(fields: Fields, who: Requester) -> Built:
    wanted = {"agreementNumber": fields.word("agreement_number")}
    return _one("/v2/AgreementESIIDs/", {**who.common, **wanted, **TERMS})


def _agreement_terminate(fields: Fields, who: Requester) -> Built:
    ended = {"agreementNumber": fields.word("agreement_number"), "retailCustomerEmail": fields.email()}
    body = {**who.common, "agreementList": [ended], **TERMS}
    return _one("/v2/Terminateagreement/", body, repeatable=False)


def _subscription_new(fields: Fields, who: Requester) -> Built:
    """Asking twice may make a second one, so it is never repeated by itself."""
    wanted = {
        "subscriptionType": fields.choice("type", SUBSCRIPTIONS, "CSPENROLL"),
        "historicalSubscriptionDuration": fields.months("history_months", HISTORY_MONTHS, 12),
        "dataType": fields.choice("data", {"DAILY", "INTERVAL", "MONTHLY"}, "INTERVAL"),
        "deliveryMode": "FTP",
        "reportFormat": "CSV",
    }
    return _one("/v2/NewSubscription/", {**who.common, **wanted, **TERMS}, named=True, repeatable=False)


def _subscriptions(fields: Fields, who: Requester) -> Built:
    return _one("/v2/Mysubscriptions/", {**who.common, **TERMS})


def _subscription_end(fields: Fields, who: Requester) -> Built:
    wanted = {"subscriptionNumber": fields.word("subscription_number")}
    return _one("/v2/UnSubscription/", {**who.common, **wanted, **TERMS}, repeatable=False)


KINDS: dict[str, Builder] = {
    "backfill": _backfill,
    "report_status": _report_status,
    "daily_reads": _ranged("/v2/dailyreads/", "A"),
    "meter_info": _meter_info,
    "on_demand_read": _on_demand_read,
    "on_demand_status": _on_demand_status,
    "monthly_billing": _ranged("/v2/monthlybillingInformation/", "A"),
    "premise_info": _premise_info,
    "agreement_new": _agreement_new,
    "agreements": _agreements,
    "agreement_esiids": _agreement_esiids,
    "agreement_terminate": _agreement_terminate,
    "subscription_new": _subscription_new,
    "subscriptions": _subscriptions,
    "subscription_end": _subscription_end,
}
