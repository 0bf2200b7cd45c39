"""What each resource of the simulated API answers.

A handler takes the request's JSON and gives (status, JSON).
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from wattledger.localday import day as calendar
from wattledger.localday import number
from wattledger.model import Flow
from wattledger.simulators.smt_files import energy_data, revision, usage_date

if TYPE_CHECKING:
    from wattledger.simulators.home import Day, Home
    from wattledger.simulators.smt_account import Account

Answer = tuple[int, Any]
Body = dict[str, Any]
NO_DATA = {"errorCode": "1", "errorMessage": "No data received from the respective TDSP"}
NOT_INTEGRATED = {"errorCode": "2076", "errorMessage": "API Integration is not done."}
BAD_DATE = {
    "errorCode": "1",
    "errorMessage": "Invalid Date. Expected format of: startDate is MM/dd/yyyy",
}
ON_DEMAND_GAP = timedelta(minutes=30)
FLOWS = {"C": (Flow.DELIVERED,), "G": (Flow.RECEIVED,), "A": (Flow.DELIVERED, Flow.RECEIVED)}
_serial = count(202611210001)


def dump(value: Any) -> bytes:
    """JSON bytes; an `Exponent` is written as a bare number in exponent form, as the vendor does."""
    return json.dumps(value, default=str).replace('"\\u0000', "").replace('\\u0000"', "").encode()


def exponent(number_text: str) -> str:
    """A mark that `dump` turns into a bare number."""
    return f"\0{number_text}\0"


def correlation(trans_id: Any) -> Body:
    """An acknowledgement with a new correlation id."""
    return {
        "trans_id": trans_id,
        "correlationId": str(next(_serial)),
        "statusCode": "0",
        "statusReason": "Request submitted successfully for further processing",
    }


def acknowledge(simulator: Account, body: Body) -> Answer:
    """Accepted; the answer comes as a file."""
    ack = correlation(body.get("trans_id"))
    simulator.reports[ack["correlationId"]] = body
    return 200, ack


def _homes(simulator: Account, body: Body) -> list[Home]:
    wanted = body.get("esiid") or []
    wanted = [wanted] if isinstance(wanted, str) else wanted
    return [simulator.meters[esiid] for esiid in wanted if esiid in simulator.meters]


def _days(home: Home, body: Body) -> list[Day] | None:
    try:
        first, last = usage_date(body["startDate"]), usage_date(body["endDate"])
    except (KeyError, ValueError, TypeError):
        return None
    return list(home.days(first, number(last) - number(first) + 1))


def interval_reads(simulator: Account, body: Body) -> Answer:
    """FTP: an acknowledgement, and a file in the drop. API: RD JSON of the first ESIID."""
    homes = _homes(simulator, body)
    if not homes:
        return 200, NO_DATA
    days = _days(homes[0], body)
    if days is None:
        return 200, BAD_DATE
    if body.get("deliveryMode") in {"FTP", "EML"}:
        status, ack = acknowledge(simulator, body)
        for home in homes:
            simulator.drop_file(home, list(home.days(calendar(days[0].number), len(days))))
        return status, ack
    flows = FLOWS[str(body.get("readingType", "A")).upper()]
    return 200, energy_data(homes[0], days, body.get("trans_id", ""), flows)


def daily_reads(simulator: Account, body: Body) -> Answer:
    """Register readings per day; numbers are strings, and energyDataKwh is not the exact difference."""
    homes = _homes(simulator, body)
    if not homes:
        return 200, NO_DATA
    days = _days(homes[0], body)
    if days is None:
        return 200, BAD_DATE
    if body.get("deliveryMode") in {"FTP", "EML"}:
        return acknowledge(simulator, body)
    reads, register = [], 24_002_915
    for one in days:
        wh = int(one.first[Flow.DELIVERED].sum())
        reads.append(_daily(one, register, wh))
        register += wh
    return 200, {"trans_id": body.get("trans_id"), "esiid": homes[0].esiid, "registeredReads": reads}


def _daily(one: Day, register: int, wh: int) -> Body:
    return {
        "readDate": f"{calendar(one.number):%m/%d/%Y}",
        "revisionDate": f"{revision(one.number):%m/%d/%Y %H:%M:%S}",
        "startReading": f"{register / 1000:.3f}",
        "endReading": f"{(register + wh) / 1000:.3f}",
        "energyDataKwh": f"{wh / 1000:.3f}",
    }


def monthly_billing(simulator: Account, body: Body) -> Answer:
    """Billing periods; the same start date may come twice."""
    if not (homes := _homes(simulator, body)):
        return 200, NO_DATA
    period = {"startDate": body.get("startDate"), "endDate": body.get("endDate")}
    row = {**period, "actualkWh": "1000.684", "meteredKW": "7.2"}
    return 200, {"trans_id": body.get("trans_id"), "esiid": homes[0].esiid, "billingdata": [row]}


def meter_info(simulator: Account, body: Body) -> Answer:
    """By API only where integration is done; else error 2076."""
    if body.get("deliveryMode") == "API" and not simulator.integrated:
        return 200, NOT_INTEGRATED
    if body.get("deliveryMode") != "API":
        return acknowledge(simulator, body)
    esiid = body["ESIIDMeterList"][0]["esiid"]
    meter = {"utilityMeterId": "M" + esiid[-8:], "meterSerialNumber": esiid[-8:], "KWHMeterMultiplier": "1"}
    return 200, {
        "trans_id": body.get("trans_id"),
        "MeterData": {"esiid": esiid, **meter, "intervalSetting": "15"},
    }


def premise_info(simulator: Account, body: Body) -> Answer:
    """Good premises beside a fault list for unknown ESIIDs."""
    wanted = body.get("esiid") or []
    good = {"premiseStatus": "Active", "timeZone": "CST"}
    premises = [{"ESIID": e, **good} for e in wanted if e in simulator.meters]
    faults = [{"ESIID": e, "reasonCode": "ESIID not found"} for e in wanted if e not in simulator.meters]
    said = {"trans_id": body.get("trans_id"), "premiseData": premises}
    return 200, {**said, **({"ESIIDFaultList": faults} if faults else {})}


def on_demand_read(simulator: Account, body: Body) -> Answer:
    """One ESIID (upper-case key, a string); at most one in half an hour."""
    esiid, now = body.get("ESIID"), simulator.clock.now()
    if esiid not in simulator.meters:
        return 200, {"errorCode": "1", "errorMessage": "Invalid ESIID"}
    last = simulator.last_read.get(esiid)
    if last is not None and now - last < ON_DEMAND_GAP:
        return 200, {"errorCode": "1", "errorMessage": "Only two on-demand reads are allowed in an hour"}
    simulator.last_read[esiid] = now
    ack = correlation(body.get("trans_id"))
    simulator.pending_reads[ack["correlationId"]] = simulator.polls_until_read
    return 200, ack


def on_demand_status(simulator: Account, body: Body) -> Answer:
    """PEN with a zero that is no reading, later the register value in exponent form."""
    known = body.get("correlationId")
    if known not in simulator.pending_reads:
        return 200, {"errorCode": "1", "errorMessage": "Invalid correlationId"}
    simulator.pending_reads[known] -= 1
    pending = simulator.pending_reads[known] >= 0
    said = {
        "trans_id": body.get("trans_id"),
        "correlationId": known,
        "statusCode": "PEN" if pending else "0",
        "statusReason": "Request Submitted by API" if pending else "ODR retreived successfully",
    }
    value = "0E+0" if pending else "2.3459133E+4"
    read_date = f"{simulator.clock.now():%m/%d/%Y %H:%M:%S}"
    return 200, {**said, "odrRead": {"registeredRead": exponent(value), "readDate": read_date}}


def report_status(simulator: Account, body: Body) -> Answer:
    """How far a requested report is."""
    known = body.get("correlationId") in simulator.reports
    status = {"statusCode": "0", "statusReason": "Completed"} if known else NO_DATA
    return 200, {"trans_id": body.get("trans_id"), "correlationId": body.get("correlationId"), **status}


def new_subscription(simulator: Account, body: Body) -> Answer:
    """A second one for the same DUNS is 400 with a reason that is misspelled."""
    duns = body.get("requesterAuthenticationID")
    if any(s["requesterAuthenticationID"] == duns for s in simulator.subscriptions):
        fault = {"customerDUNS": duns, "reasonCode": f"Subcription is already active::{duns}"}
        said = {"trans_id": body.get("trans_id"), "statusCode": "0001", "statusReason": "Failed"}
        return 400, {**said, "CustomerDUNSFaultList": [fault]}
    ack = correlation(body.get("trans_id"))
    kept = {k: body.get(k) for k in ("requesterAuthenticationID", "subscriptionType", "dataType")}
    simulator.subscriptions.append({"subscriptionNumber": str(next(_serial)), "status": "Active", **kept})
    return 200, ack


def subscriptions(simulator: Account, body: Body) -> Answer:
    """All subscriptions."""
    return 200, {"trans_id": body.get("trans_id"), "subscriptionList": simulator.subscriptions}


def end_subscription(simulator: Account, body: Body) -> Answer:
    """Ends one by number."""
    number_ = str(body.get("subscriptionNumber"))
    kept = [s for s in simulator.subscriptions if s["subscriptionNumber"] != number_]
    if len(kept) == len(simulator.subscriptions):
        return 200, {"errorCode": "1", "errorMessage": "Invalid subscription number"}
    simulator.subscriptions[:] = kept
    return 200, correlation(body.get("trans_id"))


def new_agreement(simulator: Account, body: Body) -> Answer:
    """Pending until the customer approves; unknown ESIIDs come back in a fault list beside the good ones."""
    wanted = [m.get("ESIID") for m in body.get("customerMeterList", [])]
    good = [e for e in wanted if e in simulator.meters]
    faults = [{"ESIID": e, "reasonCode": "ESIID not found"} for e in wanted if e not in simulator.meters]
    ack = correlation(body.get("trans_id"))
    if good:
        entry = {"agreementNumber": str(next(_serial)), "status": "Pending - Customer Authorization"}
        simulator.agreements.append({**entry, "ESIIDs": good})
    return 200, {**ack, **({"customerMeterFaultList": faults} if faults else {})}


def agreements(simulator: Account, body: Body) -> Answer:
    """All agreements, or the one asked for."""
    wanted = body.get("agreementNumber")
    found = [a for a in simulator.agreements if wanted is None or a["agreementNumber"] == str(wanted)]
    rows = [{"agreementNumber": a["agreementNumber"], "status": a["status"]} for a in found]
    return 200, {"trans_id": body.get("trans_id"), "agreementStatusList": rows}


def agreement_esiids(simulator: Account, body: Body) -> Answer:
    """The ESIIDs of one agreement."""
    wanted = str(body.get("agreementNumber"))
    found = [e for a in simulator.agreements if a["agreementNumber"] == wanted for e in a["ESIIDs"]]
    if not found:
        return 200, {"errorCode": "1", "errorMessage": "Invalid agreement number"}
    return 200, {"trans_id": body.get("trans_id"), "esiidList": [{"ESIID": e} for e in found]}


def terminate_agreement(simulator: Account, body: Body) -> Answer:
    """Ends agreements by number; unknown ones in a fault list."""
    faults = []
    for item in body.get("agreementList", []):
        found = [a for a in simulator.agreements if a["agreementNumber"] == str(item.get("agreementNumber"))]
        for one in found:
            one["status"] = "Non Active - Terminated by CSP"
        if not found:
            faults.append({"agreementNumber": item.get("agreementNumber"), "reasonCode": "Not found"})
    ack = correlation(body.get("trans_id"))
    return 200, {**ack, **({"agreementFaultList": faults} if faults else {})}
