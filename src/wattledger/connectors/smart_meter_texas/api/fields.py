"""Fields of a request to the relay, checked one by one; what is wrong is refused with the field's name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from wattledger.connectors.smart_meter_texas.api.sizing import MOST_ESIIDS
from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.errors import Refused

KEPT_DAYS = 2 * 366
"""SMT keeps 24 months"""
_WORD = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_EMAIL = re.compile(r"[^\s@\"<>]{1,64}@[^\s@\"<>]{1,190}", re.ASCII)


class Fields:
    """The fields of one request; every method raises Refused naming its field. `end` refuses the unknown."""

    def __init__(self, request: Mapping[str, Any], today: date) -> None:
        self._request = request
        self._today = today
        self._used = {"kind"}

    def raw(self, name: str) -> Any:
        """A field as it came; None where absent."""
        self._used.add(name)
        return self._request.get(name)

    def end(self) -> None:
        """Refuses fields that nothing asked for."""
        if unknown := sorted(set(self._request) - self._used):
            raise _refused(unknown[0], "is not a field of this request")

    def esiid(self, name: str = "esiid") -> str:
        """One whole ESIID, as text."""
        return _esiid(self.raw(name), name)

    def esiids(self, most: int = MOST_ESIIDS) -> tuple[str, ...]:
        """`esiids` (a list) or `esiid` (one), without repetition, in order."""
        one, many = self.raw("esiid"), self.raw("esiids")
        if many is None:
            return (_esiid(one, "esiid"),)
        if not isinstance(many, list) or not many:
            raise _refused("esiids", "must be a list of ESIIDs")
        found = tuple(dict.fromkeys(_esiid(e, "esiids") for e in many))
        if len(found) > most:
            raise _refused("esiids", f"may hold at most {most} ESIIDs")
        return found

    def days(self) -> tuple[date, date]:
        """`start` and `end` (or startDate, endDate), both included, within what SMT keeps."""
        first, last = self._date("start", "startDate"), self._date("end", "endDate")
        if first > last:
            raise _refused("start", "must not be after end")
        if last > self._today:
            raise _refused("end", "must not lie in the future")
        if (self._today - first).days > KEPT_DAYS:
            oldest = self._today - timedelta(days=KEPT_DAYS)
            raise _refused("start", f"is older than the 24 months that SMT keeps; the oldest is {oldest}")
        return first, last

    def _date(self, name: str, other: str) -> date:
        given, alias = self.raw(name), self.raw(other)
        value = alias if given is None else given
        if not isinstance(value, str):
            raise _refused(name, "must be a date, YYYY-MM-DD or MM/DD/YYYY")
        try:
            return labels.calendar_date(value)
        except ValueError as error:
            raise _refused(name, f"is refused: {error}") from None

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """One of the allowed words, in any case."""
        value = self.raw(name)
        word = default if value is None else str(value).upper()
        if word not in allowed:
            raise _refused(name, f"must be one of {', '.join(sorted(allowed))}")
        return word

    def months(self, name: str, allowed: Collection[int], default: int) -> int:
        """One of the allowed numbers of months."""
        value = self.raw(name)
        number = default if value is None else value
        if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
            raise _refused(name, f"must be one of {', '.join(map(str, sorted(allowed)))}")
        return number

    def word(self, name: str) -> str:
        """A number or short word of the vendor's: agreement, subscription, correlation id."""
        value = self.raw(name)
        text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if not _WORD.fullmatch(text):
            raise _refused(name, "must be a short word of letters, digits and . _ : -")
        return text

    def optional_word(self, name: str) -> str | None:
        """A short word, None where absent."""
        return None if self.raw(name) is None else self.word(name)

    def email(self, name: str = "email") -> str:
        """An email address."""
        value = self.raw(name)
        if not isinstance(value, str) or not _EMAIL.fullmatch(value):
            raise _refused(name, "must be an email address")
        return value

    def rows(self, name: str) -> list[Fields]:
        """A list of objects."""
        value = self.raw(name)
        if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
            raise _refused(name, "must be a list of objects")
        if len(value) > MOST_ESIIDS:
            raise _refused(name, f"may hold at most {MOST_ESIIDS} entries")
        return [Fields(v, self._today) for v in value]


def _esiid(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _refused(name, "must be an ESIID written as text")
    try:
        return labels.esiid(value.strip())
    except ValueError as error:
        raise _refused(name, f"is refused: {error}") from None


def _refused(name: str, why: str) -> Refused:
    return Refused(f"The field {name} {why}.", "BAD_FIELD", name)
