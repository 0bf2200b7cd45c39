"""A payload -> what it says, whichever of SMT's forms it has.

Archives are opened here; every member is read for what its content is, and the name decides nothing.
"""

from __future__ import annotations

from wattledger.connectors import unwrap
from wattledger.connectors.smart_meter_texas import sniff
from wattledger.connectors.smart_meter_texas.interval import (
    json_forms,
    layout,
    portal,
    rd,
    report,
    slots,
    table,
)
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.connectors.unwrap import Member
from wattledger.errors import BadPayload
from wattledger.model import Parsed, Payload

_KINDS = ("interval", "daily", "monthly", "enrollment", "subscription", "report", "status", "opaque")
"""in the order in which they name an archive of several"""


def parse(payload: Payload) -> Parsed:
    """What an SMT payload says. Raises BadPayload when none of it can be read."""
    esiid = payload.headers.get("esiid") or None
    if not unwrap.wrapped(payload.body[:4]):
        intake = Intake()
        return intake.parsed(read(payload.body, payload.filename or "", intake, esiid))
    opened = unwrap.opened(payload.body, payload.filename or "")
    return _members(opened, esiid)


def _members(opened: unwrap.Opened, esiid: str | None) -> Parsed:
    if not opened.members:
        raise BadPayload("The archive holds no file.", "empty")
    intake = Intake(notes=opened.notes)
    kinds: list[str] = []
    first_error: BadPayload | None = None
    if any(member.name == "[Content_Types].xml" for member in opened.members):
        raise BadPayload("This is an Excel workbook: save it as CSV and send that file.", "workbook")
    for member in opened.members:
        try:
            kinds.append(_member(member, intake, esiid, len(opened.members) > 1))
        except BadPayload as error:
            first_error = first_error or error
            intake.note(f"{_name(member)} was not read: {error}")
    if first_error and not kinds:
        raise first_error
    return intake.parsed(min(kinds, key=_KINDS.index))


def _member(member: Member, intake: Intake, esiid: str | None, several: bool) -> str:
    """Read one member into the shared intake, or, where it fails, nothing of it."""
    own = Intake(esiids=dict(intake.esiids))
    own.refusals.where = f"{_name(member)}: " if several else ""
    kind = read(member.body, member.name, own, esiid)
    if kind != "interval":
        intake.note(f"{_name(member)} holds no interval data (it looks like: {kind}) and was kept unread.")
    intake.absorb(own)
    return kind


def _name(member: Member) -> str:
    return unwrap.printable(member.name)


def read(body: bytes, name: str, intake: Intake, esiid: str | None) -> str:
    """Read one plain file into an intake; returns its kind."""
    raw, body = body, sniff.text(body)
    form = sniff.form(body)
    if form == "empty":
        raise BadPayload("The file is empty; fetch it again.", "empty")
    if form == "pgp":
        raise BadPayload(
            "The file is PGP-encrypted: configure the key that SMT encrypts for (SMT_PGP_KEY_PATH).",
            "encrypted",
        )
    if form == "html":
        raise BadPayload(
            "The file is a web page, not data: the site showed a sign-in or error page. Fetch it again.",
            "html",
        )
    if form == "binary":
        raise BadPayload("The file is neither text nor an archive; nothing in it can be read.", "not_text")
    if form == "xml":
        return _xml(raw, body, intake, esiid)
    if form == "json":
        return _json(body, intake, esiid)
    return _csv(body, name, intake, esiid)


def _xml(raw: bytes, body: bytes, intake: Intake, esiid: str | None) -> str:
    if report.TITLE in body[:65536]:
        return report.read(raw, intake, esiid)  # XML tells its own encoding
    intake.note("This XML is not Smart Meter Texas' own Green Button report; add it as a Green Button file.")
    return "opaque"


def _json(body: bytes, intake: Intake, esiid: str | None) -> str:
    documents = json_forms.documents(body)
    readings = [d for d in documents if "energyData" in d]
    intervals = [d for d in documents if "intervaldata" in d]
    if not readings and not intervals:
        return json_forms.kind(documents)
    rd.read(readings, intake, esiid)
    portal.read(intervals, intake, esiid)
    return "interval"


def _csv(body: bytes, name: str, intake: Intake, esiid: str | None) -> str:
    header = sniff.csv_header(body)
    kind = sniff.csv_kind(header, name)
    if kind == "opaque" and header.lacks:
        intake.note(f"No readings were looked for: the first line names no column for {header.lacks}.")
    if kind != "interval":
        return kind
    tight = layout.tightened(body)
    if not (layout.applies(tight) and layout.read(tight, intake)):
        table.read(body, intake, esiid)
    slots.place(intake)
    if not intake.total:
        intake.note("The file has a header and no rows.")
    return kind
