"""What is said of alerts: one mail about all that happened at a site at a time, one JSON for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattledger.insight.alerts import moment
from wattledger.store.alerts.alerts import AlertRow
from wattledger.store.alerts.telling import Event
from wattledger.store.people.sites import SiteRow
from wattledger.web.mail import Letter

LONGEST_SUBJECT = 120
WORDS = {"opened": "New", "worse": "Worse", "closed": "Over"}
TEST = "This is a test: nothing is wrong.\n\n"


def letter(to: str, site: SiteRow, events: Sequence[Event], base: str, test: bool = False) -> Letter:
    """The mail about some alerts of a site; the same trouble reads the same in every mail."""
    blocks = [block(event, site.timezone, base) for event in events]
    end = f"All alerts, and how to mute them: {base}/alerts\n" if base else ""
    return Letter(to, subject(site, events, test), (TEST if test else "") + "\n".join(blocks) + "\n" + end)


def subject(site: SiteRow, events: Sequence[Event], test: bool = False) -> str:
    """One line without line breaks, whatever names are in it."""
    if len(events) == 1:
        over = "Over: " if events[0].name == "closed" else ""
        said = over + events[0].alert.said["title"]
    else:
        opened = sum(event.name != "closed" for event in events)
        closed = len(events) - opened
        parts = [f"{opened} alert{'s' if opened > 1 else ''}"] if opened else []
        said = " and ".join([*parts, f"{closed} over"] if closed else parts)
    line = _plain(f"{said} - {site.name}")
    return ("Test: " if test else "") + line[:LONGEST_SUBJECT]


def block(event: Event, tz: str, base: str) -> str:
    """One alert in a mail."""
    row = event.alert
    title, text, todo = (_plain(row.said[name]) for name in ("title", "text", "todo"))
    if event.name == "closed":
        when = moment(row.closed_at or row.seen_at, tz)
        return f"Over since {when}: {title}\n"
    since = moment(row.since, tz)
    lines = [f"{WORDS[event.name]}: {title}", f"Since {since}. {text}", f"What to do: {todo}"]
    if base:
        lines.append(base + row.said["link"])
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """One line in which nothing that somebody named can pass for a link."""
    return " ".join(text.replace("://", " ").split())


def body(event: Event, site: SiteRow, base: str, test: bool = False) -> dict[str, Any]:
    """The JSON about one alert."""
    about = {"id": site.id, "name": site.name}
    return {"event": event.name, "test": test, "site": about, "alert": alert_json(event.alert, base)}


def alert_json(row: AlertRow, base: str = "") -> dict[str, Any]:
    """An alert as JSON, the same in the API."""
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "level": row.level,
        "title": row.said["title"],
        "text": row.said["text"],
        "todo": row.said["todo"],
        "link": base + row.said["link"],
        "since": row.since,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
    }
