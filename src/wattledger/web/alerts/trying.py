"""Tests of the ways by which alerts are told: the same road with an alert that says it is a test."""

from __future__ import annotations

from datetime import datetime

from wattledger.errors import Refused
from wattledger.insight.alerts import TITLES, Kind
from wattledger.store.alerts.alerts import OPENED, AlertRow
from wattledger.store.alerts.telling import Event
from wattledger.store.ids import new_id
from wattledger.store.people.sites import SiteRow
from wattledger.web.alerts.tell import MAIL, Teller

SAMPLES = {
    Kind.SIGN_IN: "A token ends within six hours; after that nothing is collected.",
    Kind.SILENT: "A source did not deliver within its period.",
    Kind.GAP: "A meter lacks a day, though later days are here.",
    Kind.REJECTED: "A file could not be read.",
    Kind.OVER: "Cars and units say more than the meter.",
    Kind.DISK: "Little room is left on the hub's disk.",
    Kind.POISON: "Reading a file stopped the reader again and again.",
}


def sample(kind: Kind, site: SiteRow, now: datetime) -> Event:
    """An alert of a kind that is kept nowhere."""
    said = {"title": f"Test: {TITLES[kind]}", "text": f"A test. {SAMPLES[kind]}"}
    said |= {"todo": "Nothing: this is a test.", "link": "/alerts", "since": now.isoformat()}
    row = AlertRow(
        new_id(), site.id, kind.value, "test", "caution", said, now, now, None, OPENED, None, 0, {}, None
    )
    return Event(row, OPENED)


async def send_test(
    teller: Teller, site: SiteRow, way: str, kind: Kind, email: str, ready: bool, now: datetime
) -> str:
    """Tell a test by one way: mail goes to whoever asks. Returns a sentence. Raises Refused, TryLater."""
    event = sample(kind, site, now)
    if way == MAIL:
        if not ready:
            raise Refused("This hub sends no mail: set WATTLEDGER_SMTP_HOST.", "NO_MAIL", status=409)
        await teller.mail(site, email, [event], test=True)
        return f"A test mail is on its way to {email}."
    hook = (await teller.ways(site.id)).hook
    if hook is None:
        raise Refused("No webhook is set.", "NO_WEBHOOK", status=409)
    await teller.call(site, hook, event, test=True)
    return "The webhook took the test."


def kind_of(word: str) -> Kind:
    """A kind by its word. Raises Refused."""
    try:
        return Kind(word)
    except ValueError:
        raise Refused(f"A kind is one of {', '.join(Kind)}.", "BAD_KIND", "kind", 422) from None
