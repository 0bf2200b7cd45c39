"""What an HTTP answer of SmartThings means: its body, or one of our errors with the vendor's wish."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from wattledger.connectors.http import LEAST_PAUSE, MOST_PAUSE, HttpAnswer, check, wish
from wattledger.connectors.smartthings.reading import load
from wattledger.errors import BadPayload, Refused, TryLater

WHO = "SmartThings"
_MILLIS = re.compile(rb"retry in (\d{1,12}) millis")


def opened(answer: HttpAnswer, now: datetime | None = None) -> dict[str, Any]:
    """The JSON object of a good answer.

    Raises LoginRequired (401), TryLater (408, 425, 429, 5xx, and what is no JSON), Refused for the rest.
    """
    if answer.status == 429:
        raise TryLater(f"{WHO} asks for a pause between calls (429).", pause(answer, now))
    if answer.status == 403:
        raise Refused(
            f"{WHO} refused with 403: the token lacks a scope (r:devices:*), or the device is gone.",
            "FORBIDDEN",
            status=403,
        )
    check(answer, WHO, now)
    try:
        return load(answer.body)
    except BadPayload as error:
        raise TryLater(f"{error} It is asked again later.") from None


def pause(answer: HttpAnswer, now: datetime | None = None) -> timedelta | None:
    """How long a 429 asks for: by header, or in its text, in milliseconds; the longer where both speak."""
    said = [wish(answer, now)]
    if found := _MILLIS.search(answer.body):
        said.append(timedelta(milliseconds=int(found[1])))
    longest = max((one for one in said if one is not None), default=None)
    return None if longest is None else min(max(longest, LEAST_PAUSE), MOST_PAUSE)
