"""Finished charging sessions as an iCalendar feed (RFC 5545): UTC, folded, names that stay. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from wattledger.faults import sabotaged
from wattledger.insight.session import Place, Session
from wattledger.units import kwh_text

MEDIA = "text/calendar"
LONGEST_LINE = 75
"""octets, by RFC 5545 3.1"""
PLACES = {Place.HOME: "Home", Place.AWAY: "Away", Place.UNKNOWN: ""}


def calendar(id: str, name: str, sessions: Iterable[Session]) -> bytes:
    """The feed of the vehicle with that public id and name; sessions that go on are left out."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Wattledger//Charging sessions//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{text(f'{name}: charging')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for one in sessions:
        if one.end is not None:
            lines += _event(id, name, one, one.end)
    return b"".join(folded(line) for line in [*lines, "END:VCALENDAR"])


def _event(id: str, name: str, one: Session, end: datetime) -> Iterator[str]:
    """One session; stamped with its end, so that the same session is the same bytes."""
    energy = "energy not known" if one.wh is None else f"{kwh_text(round(one.wh))} kWh"
    yield "BEGIN:VEVENT"
    yield f"UID:{id}-{one.start:%Y%m%dT%H%M%SZ}@wattledger"
    yield f"DTSTAMP:{_utc(end)}"
    yield f"DTSTART:{_utc(one.start)}"
    if end > one.start:
        yield f"DTEND:{_utc(end)}"
    yield f"SUMMARY:{text(f'{name}: {energy}')}"
    if where := PLACES[one.place]:
        yield f"LOCATION:{where}"
    yield f"DESCRIPTION:{text(chr(10).join([*_figures(one), *one.evidence]))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _figures(one: Session) -> Iterator[str]:
    if one.soc_from is not None and one.soc_to is not None:
        yield f"Level {one.soc_from:.0f} % to {one.soc_to:.0f} %."
    if one.peak_kw is not None:
        yield f"At most {one.peak_kw:.1f} kW."


def text(said: str) -> str:
    """A TEXT value: backslashes, separators and line ends escaped, other control characters left out."""
    if sabotaged("ics_escaping"):
        return said
    kept = "".join(c for c in said.replace("\r\n", "\n") if c == "\n" or c.isprintable())
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        kept = kept.replace(plain, escaped)
    return kept


def folded(line: str) -> bytes:
    """A content line of at most 75 octets a piece, never cut within a character; ends with CRLF."""
    pieces, room = [b""], LONGEST_LINE
    for character in line:
        more = character.encode()
        if len(pieces[-1]) + len(more) > room:
            pieces.append(b"")
            room = LONGEST_LINE - 1  # the blank that begins a continuation counts
        pieces[-1] += more
    return b"\r\n ".join(pieces) + b"\r\n"


def _utc(when: datetime) -> str:
    return f"{when:%Y%m%dT%H%M%SZ}"
