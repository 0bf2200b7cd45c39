"""How pages say numbers, instants and ages. Instants are shown in a zone, never in the server's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from wattledger.localday import zone
from wattledger.units import kwh_text

MINUS = "\N{MINUS SIGN}"
_ZONES = {
    "America/Chicago": "Central Time",
    "America/Denver": "Mountain Time",
    "America/New_York": "Eastern Time",
    "America/Los_Angeles": "Pacific Time",
}


def kwh(wh: int) -> str:
    """Watt-hours as kWh with three decimals and thousands marks: `1,062.438`."""
    whole, _, rest = kwh_text(abs(wh)).partition(".")
    return f"{MINUS if wh < 0 else ''}{int(whole):,}.{rest}"


def signed_kwh(wh: int) -> str:
    """A difference in kWh with its sign: `+4.100`."""
    return f"+{kwh(wh)}" if wh > 0 else kwh(wh)


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent with one decimal; empty where the whole is nothing."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def count(n: int) -> str:
    """A number with thousands marks."""
    return f"{n:,}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """`1 gap`, `2 gaps`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n: int) -> str:
    """Bytes for people: `38.2 kB`."""
    if n < 1000:
        return f"{n} B"
    return f"{n / 1000:.1f} kB" if n < 1_000_000 else f"{n / 1_000_000:.1f} MB"


def zone_name(tz: str) -> str:
    """A zone in words: `Central Time`, or the city of its name."""
    return _ZONES.get(tz, tz.rpartition("/")[2].replace("_", " ") + " time")


def local(when: datetime, tz: str) -> datetime:
    """An instant by a zone's clock."""
    return when.astimezone(zone(tz))


def clock(when: datetime, tz: str) -> str:
    """The time of day: `06:15`."""
    return f"{when.astimezone(zone(tz)):%H:%M}"


def day(when: date) -> str:
    """A date: `14 July 2026`."""
    return f"{when.day} {when:%B %Y}"


def short_day(when: date) -> str:
    """A date with its weekday: `Tue 14 Jul 2026`."""
    return f"{when:%a} {when.day} {when:%b %Y}"


def moment(when: datetime, tz: str) -> str:
    """Date and time: `Tue 14 Jul 2026, 06:15`."""
    local = when.astimezone(zone(tz))
    return f"{short_day(local)}, {local:%H:%M}"


def epoch(seconds: int, tz: str) -> str:
    """Date and time of an epoch second."""
    return moment(datetime.fromtimestamp(seconds, UTC), tz)


def length(span: timedelta) -> str:
    """How long something lasts: `45 min`, `5 h 15 min`, `3 days`."""
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest and hours < 24 else f"{hours} h"
    days, rest = divmod(minutes, 1440)
    return plural(days, "day") if not rest or days > 7 else f"{plural(days, 'day')} {rest // 60} h"


def age(when: datetime, now: datetime) -> str:
    """How long ago: `12 min ago`."""
    return "just now" if now - when < timedelta(minutes=1) else f"{length(now - when)} ago"
