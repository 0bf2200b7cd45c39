"""One text field of an SMT file -> one value. Each raises ValueError with a reason fit for people.

Forms are those seen in exports, in files that a spreadsheet saved again, and in the older report.
Wall-clock values are US Central throughout, as SMT publishes them.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from wattledger import localday, units
from wattledger.errors import BadPayload
from wattledger.model import NO_REVISION, Flag, Flow

ZONE = "America/Chicago"
FIRST_YEAR, LAST_YEAR = 1990, 2199

_ESIID = re.compile(r"10(?:\d{15}|\d{20})", re.ASCII)
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+\.\d*", re.ASCII)
"""1,204.5: commas that can only group thousands (1,204 alone could be a decimal comma)"""
_MIDNIGHT = r"(?:[ T]0?0:00(?::00)?(?:\.0+)?)?"
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _MIDNIGHT, re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})" + _MIDNIGHT, re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?(?: ?([AP])\.?M\.?)?", re.ASCII | re.IGNORECASE)
_FLOWS = {
    "consumption": Flow.DELIVERED,
    "surplusgeneration": Flow.RECEIVED,
    "generation": Flow.RECEIVED,
}


def clean(raw: bytes) -> str:
    """A field without its surroundings: blanks, quotes, the apostrophe that guards digits in Excel."""
    return raw.decode("utf-8", "replace").strip(" \t\r\xa0\"'\ufeff")


def esiid(text: str) -> str:
    """A whole ESIID of 17 or 22 digits; never shortened, padded or guessed."""
    if _ESIID.fullmatch(text):
        return text
    if _SHORTENED.fullmatch(text):
        raise ValueError(
            "the ESIID was shortened by a spreadsheet; its digits are lost, so download the file again"
        )
    raise ValueError("the ESIID is not 17 or 22 digits beginning with 10")


def given_esiid(text: str | None, what: str) -> str:
    """The ESIID that came beside a file that names none. Raises BadPayload without a good one."""
    if not text:
        raise BadPayload(
            f"{what} does not name its ESIID: say whose it is (`--esiid`, or the upload's ESIID field).",
            "esiid_missing",
        )
    try:
        return esiid(text.strip(" '"))
    except ValueError as error:
        raise BadPayload(f"The ESIID given with the file is wrong: {error}.", "esiid_wrong") from None


def calendar_date(text: str) -> date:
    """MM/DD/YYYY or YYYY-MM-DD, with or without leading zeros."""
    if match := _US_DATE.fullmatch(text):
        month, day, year = match.groups()
    elif match := _ISO_DATE.fullmatch(text):
        year, month, day = match.groups()
    else:
        raise ValueError("the date is not of the form MM/DD/YYYY")
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ValueError(f"the date lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError("the date does not exist") from None


def day(text: str) -> int:
    """The local day number (localday.number) of a service date."""
    return localday.number(calendar_date(text))


def revision(text: str) -> int:
    """UTC epoch seconds of a Central wall-clock moment; NO_REVISION where the field is blank.

    In the repeated hour of autumn the first pass (daylight time) is meant: SMT does not say which.
    """
    if not text:
        return NO_REVISION
    head, _, tail = text.replace("T", " ", 1).partition(" ")
    try:
        on = calendar_date(head)
        seconds = _seconds(tail.strip()) if tail.strip() else 0
    except ValueError:
        raise ValueError("the revision date is not of the form MM/DD/YYYY HH:MM:SS") from None
    hour, rest = divmod(seconds, 3600)
    if hour > 23:
        raise ValueError("the revision date is not of the form MM/DD/YYYY HH:MM:SS")
    local = datetime(on.year, on.month, on.day, hour, rest // 60, rest % 60, tzinfo=localday.zone(ZONE))
    return int(local.timestamp())


def quarter(text: str) -> int:
    """Quarter-hours since midnight on the wall clock, 0..96, of a label such as 00:15, 0:15 or 12:15 AM."""
    seconds = _seconds(text)
    if seconds % 900:
        raise ValueError("the time is not on a quarter-hour")
    return seconds // 900


def _seconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError("the time is not of the form HH:MM")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError("the time does not exist")
        hour = hour % 12 + (12 if match[4] in "pP" else 0)
    if minute > 59 or second > 59 or hour * 3600 + minute * 60 + second > 86400:
        raise ValueError("the time does not exist")
    return hour * 3600 + minute * 60 + second


def flow(text: str) -> Flow:
    """The direction of energy, whatever the case and blanks of its label."""
    found = _FLOWS.get("".join(text.split()).lower())
    if found is None:
        raise ValueError("the channel is neither Consumption nor Surplus Generation")
    return found


def quality(text: str) -> Flag:
    """A is a reading, E an estimate of the utility's."""
    if text in ("A", "a"):
        return Flag.ACTUAL
    if text in ("E", "e"):
        return Flag.ESTIMATED
    raise ValueError("the quality is neither A (actual) nor E (estimated)")


def energy(text: str) -> tuple[int, bool]:
    """Wh of a kWh text, and whether it was finer than a watt-hour (then rounded half to even)."""
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if "_" in text or not text.isascii():
        raise ValueError("the kWh value is not a decimal number")
    try:
        wh = units.wh_from_kwh(text)
    except ValueError as error:
        raise ValueError(f"the kWh value {error}") from None
    return wh, Decimal(text) * 1000 != wh
