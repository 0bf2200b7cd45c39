"""What an error of Smartcar means: one table for both generations, from status, type, code to a consequence.

v2 answers `{type, code, statusCode, resolution, ...}`, v3 `{"errors": [{status, type, code, ...}]}`; the
resolution is an object, a word or null, and a proxy between us may answer a page. The status decides, then
the type, then the code. The vendor's own sentences are not repeated: they are for developers, or carry ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from wattledger.connectors.http import HttpAnswer, wish
from wattledger.connectors.reading import mapping
from wattledger.connectors.smartcar.reading import identifier, load, word
from wattledger.connectors.smartcar.trouble import error_of, resolution_of
from wattledger.errors import BadPayload, TryLater

WHO = "Smartcar"
LONGEST_PAUSE = timedelta(hours=24)
"""the longest wish of the vendor that is kept"""
FIRST_PAUSE = timedelta(minutes=2)
"""of the whole application, where the vendor names none: it gives two calls a minute"""
_WORD = re.compile(r"[A-Z][A-Z0-9_]{0,59}")


class Then(StrEnum):
    """What is done about an error."""

    SIGN_IN = "sign_in"
    """our access token: renewed once, and asked once more"""
    RECONNECT = "reconnect"
    """the owner must connect again"""
    OWNER = "owner"
    """the owner must do something at the maker's; asked again daily"""
    PERMISSION = "permission"
    """not granted: that path is left out for a week, everything else goes on"""
    INCAPABLE = "incapable"
    """the car can't: that path is left out"""
    STATE = "state"
    """how the car is just now (asleep, out of reach): the last values stay, it is asked less often"""
    PAUSE = "pause"
    """this car is left alone for as long as the vendor says"""
    PAUSE_ALL = "pause_all"
    """the whole application is left alone"""
    BILLING = "billing"
    """nothing more for this car before the month ends"""
    MAKER_PAUSE = "maker_pause"
    """the maker's own limit: a long pause for this car"""
    LATER = "later"
    """a passing fault, asked again with growing pauses"""
    UNKNOWN_CAR = "unknown_car"
    """not there, or not there yet: asked again hourly"""
    GONE = "gone"
    """the vendor no longer lists the car for us; looked for again daily"""
    EMPTY = "empty"
    """an answer in which nothing succeeded: no sign of life of the car"""
    FAULT = "fault"
    """a request of ours that can't succeed as it is; asked again daily"""


FIRM = frozenset({Then.PAUSE, Then.BILLING, Then.MAKER_PAUSE})
"""consequences that not even a person's click shortens"""
SENTENCES: Mapping[Then, str] = {
    Then.SIGN_IN: "no longer accepts our sign-in",
    Then.RECONNECT: "says that the owner's account at the maker no longer lets it in; connect the car again",
    Then.OWNER: "needs the owner to act in the maker's app; it is asked again tomorrow",
    Then.PERMISSION: "has no permission for this; grant it by connecting the car again",
    Then.INCAPABLE: "says that this car cannot tell this",
    Then.STATE: "cannot reach the car as it is now; the last values stay",
    Then.PAUSE: "asks to leave this car alone for a while",
    Then.PAUSE_ALL: "asks this application for a pause",
    Then.BILLING: "allows no more calls for this car this month; see the plan in its dashboard",
    Then.MAKER_PAUSE: "has used up what the car's maker allows; it is asked again after a long pause",
    Then.LATER: "had a passing fault; it is asked again",
    Then.UNKNOWN_CAR: "does not know this car, or not yet; it is asked again",
    Then.GONE: "no longer lists this car for us; connect it again",
    Then.EMPTY: "has nothing current of this car yet; it is asked again",
    Then.FAULT: "refused a request of ours",
}
TO_OWNER = frozenset({"AUTHENTICATION_FAILED", "PERMISSION"})
"""codes of CONNECTED_SERVICES_ACCOUNT that a new sign-in cures"""
NEEDS_WORDS = frozenset({400, 403, 404, 501})
"""statuses that anything between us may answer: without the vendor's words they prove nothing"""
BY_TYPE: Mapping[str, int] = {
    "VALIDATION": 400,
    "CONNECTED_SERVICES_ACCOUNT": 400,
    "PERMISSION": 403,
    "RESOURCE_NOT_FOUND": 404,
    "VEHICLE_STATE": 409,
    "RATE_LIMIT": 429,
    "BILLING": 430,
    "SERVER": 500,
    "COMPATIBILITY": 501,
    "UPSTREAM": 502,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error, understood."""

    then: Then
    status: int
    type: str = ""
    code: str = ""
    resolution: str = ""
    after: timedelta | None = None
    """the vendor's wish, 1 s to 24 h"""
    request: str = ""
    """the vendor's id of the request, for its support"""

    @property
    def kind(self) -> str:
        """`TYPE/CODE` as the vendor has it."""
        return "/".join(filter(None, (self.type, self.code))) or f"HTTP {self.status}"

    @property
    def message(self) -> str:
        """A sentence for people."""
        return f"{WHO} {SENTENCES[self.then]} ({self.kind})."

    @property
    def later(self) -> TryLater:
        """As the error of a request that is about no single car."""
        usual = FIRST_PAUSE if self.then is Then.PAUSE_ALL else None
        return TryLater(self.message, self.after or usual)

    def to_status(self, at: datetime) -> dict[str, str]:
        """As it is noted of a car."""
        return {"kind": self.kind, "then": self.then.value, "message": self.message, "at": at.isoformat()}


def trouble_of(answer: HttpAnswer, now: datetime) -> Trouble:
    """What an answer that is no good one means."""
    try:
        said: Mapping[str, Any] = load(answer.body)
    except BadPayload:
        said = {}
    after = wish(answer, now, LONGEST_PAUSE)
    header = identifier(answer.headers.get("sc-request-id")) or ""
    return understand(answer.status, said, after, header)


def understand(
    status: int, said: Mapping[str, Any], after: timedelta | None = None, request: str = ""
) -> Trouble:
    """What a status and an error's body of either generation mean."""
    error = error_of(said)
    type_, code = _clean(error.get("type")), _clean(error.get("code"))
    debug = mapping(mapping(error.get("meta")).get("debug")).get("requestId")
    request = identifier(error.get("requestId")) or identifier(debug) or request
    then = _then(status, type_, code)
    return Trouble(then, status, type_, code, _clean(resolution_of(error)), after, request)


def of_signal(error: Mapping[str, Any]) -> Trouble:
    """What an error within a signal means: it carries no status of its own."""
    return understand(BY_TYPE.get(_clean(error.get("type")), 500), error)


def _then(status: int, type_: str, code: str) -> Then:
    if status in NEEDS_WORDS and not type_:
        return Then.LATER
    if status == 400:
        return _bad_request(type_, code)
    if status == 404:
        return Then.UNKNOWN_CAR if code in {"VEHICLE_NOT_FOUND", "SIGNAL_NOT_FOUND"} else Then.FAULT
    if status == 429:
        return Then.PAUSE if code == "VEHICLE" else Then.PAUSE_ALL
    if status == 502 and code == "RATE_LIMIT":
        return Then.MAKER_PAUSE
    return _PLAIN.get(status, Then.LATER)


_PLAIN: Mapping[int, Then] = {
    401: Then.SIGN_IN,
    403: Then.PERMISSION,
    409: Then.STATE,
    430: Then.BILLING,
    501: Then.INCAPABLE,
}


def _bad_request(type_: str, code: str) -> Then:
    if type_ != "CONNECTED_SERVICES_ACCOUNT":
        return Then.FAULT
    return Then.RECONNECT if code in TO_OWNER else Then.OWNER


def _clean(said: Any) -> str:
    found = word(said)
    return found if _WORD.fullmatch(found) else ""
