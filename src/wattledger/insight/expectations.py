"""What each source is expected to do, and the alert where it does not: connections, cars, relays, meters.

    a polled connection   a success within its period and nine minutes
    a pasted token        six hours and one hour before its end, and from it on
    a car                 asked when its own schedule says so; one that sleeps is not silent
    a unit                its calls work, and its vendor does not call it offline, within its period and nine
                          minutes; one that is switched off says nothing and is in order
    a relay               a cycle within its period and nine minutes, a good one within two periods
    a meter               a new day within three days; one whose files are added by hand, within 35
    pushes                a connection that cannot be listened to: polling goes on, later

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattledger.insight.alerts import SLACK, Alert, Kind, Level, Watch, length

FIRST_WARNING, LAST_WARNING = timedelta(hours=6), timedelta(hours=1)
"""before a pasted token's end"""
METER_DELAY, BY_HAND = timedelta(days=3), timedelta(days=35)
"""the utility's files for a day come on the second day after it; a third without one is late"""
MANY_FAULTS = 2
"""failures of a car in a row; after the first it is asked again in half an hour"""
DEAF = 6
"""failures in a row to listen to pushes: about half an hour"""
SOURCES, UNITS = "/sources", "/air-conditioners"


@dataclass(frozen=True, slots=True)
class Source:
    """A connection. `every` is None where nobody polls it; `ends` is the end of a pasted token."""

    id: str
    title: str
    state: str
    success: datetime | None
    made: datetime
    every: timedelta | None
    error: str | None = None
    ends: datetime | None = None
    unheard: int = 0
    """failures in a row to listen to its pushes"""


@dataclass(frozen=True, slots=True)
class Car:
    """A car in use whose connection runs. `due` is when its own schedule has it asked next."""

    id: str
    name: str
    due: datetime | None
    every: timedelta
    made: datetime
    success: datetime | None = None
    faults: int = 0
    trouble: str | None = None
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """An appliance of a connection that works. `offline`: since when; `unread`: since when no call works."""

    id: str
    name: str
    every: timedelta
    offline: datetime | None = None
    unread: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay by its last heartbeat: when it came, and when a cycle last went well."""

    name: str
    at: datetime
    good_at: datetime
    every: timedelta
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter, and the end of its newest day; `fed` where a relay brings its days, else people do."""

    id: str
    name: str
    newest: datetime | None
    made: datetime
    fed: bool


def source(one: Source, watch: Watch) -> list[Alert]:
    """A connection's alerts: at most one about its sign-in, else about its silence; and about pushes."""
    if one.state == "disconnected":
        return []
    stopped = _stopped(one, watch)
    if stopped is not None:
        return [stopped]
    found = [_ending(one, watch), _silent(one, watch), _deaf(one, watch)]
    return [alert for alert in found if alert is not None]


def _stopped(one: Source, watch: Watch) -> Alert | None:
    ended = one.ends is not None and watch.now >= one.ends
    since = one.ends if ended and one.ends else one.success or one.made
    subject = f"connection:{one.id}"
    if one.state == "needs_login" or ended:
        why = f"Its token ended at {watch.moment(since)}." if ended else one.error or "It lets us in no more."
        todo = "Paste a new token" if one.ends else "Sign in again"
        title = f"{one.title} needs a new {'token' if one.ends else 'sign-in'}"
        text = f"Nothing is collected until then. {why}"
        return Alert(
            Kind.SIGN_IN, subject, "bad", title, since, text, f"{todo}; what was missed is fetched.", SOURCES
        )
    if one.state == "misconfigured":
        why = one.error or "A setting is wrong."
        text = f"Nothing is collected until it is corrected. {why}"
        todo = "Correct the setting, then collect."
        return Alert(
            Kind.SIGN_IN, subject, "bad", f"{one.title} is set up wrongly", since, text, todo, SOURCES
        )
    return None


def _ending(one: Source, watch: Watch) -> Alert | None:
    if one.ends is None or one.ends - watch.now > FIRST_WARNING:
        return None
    urgent = one.ends - watch.now <= LAST_WARNING
    return Alert(
        Kind.SIGN_IN,
        f"connection:{one.id}",
        "bad" if urgent else "caution",
        f"The token of {one.title} ends {'within an hour' if urgent else 'soon'}",
        one.ends - (LAST_WARNING if urgent else FIRST_WARNING),
        f"It ends at {watch.moment(one.ends)}; after that nothing is collected.",
        "Paste a new token.",
        SOURCES,
    )


def _silent(one: Source, watch: Watch) -> Alert | None:
    since = one.success or one.made
    if one.every is None or not watch.late(since, one.every):
        return None
    last = f"Last collected {watch.moment(since)}" if one.success else "Never collected yet"
    why = f" {one.error}" if one.error else ""
    return Alert(
        Kind.SILENT,
        f"connection:{one.id}",
        "bad",
        f"{one.title} is silent",
        since,
        f"{last}; expected every {length(one.every)}.{why}",
        "It is tried again by itself. If that lasts, look at Sources and whether the vendor can be reached.",
        SOURCES,
        watch.sure(one.every),
    )


def _deaf(one: Source, watch: Watch) -> Alert | None:
    if one.unheard < DEAF or one.state != "ok":
        return None
    return Alert(
        Kind.SILENT,
        f"pushes:{one.id}",
        "caution",
        f"{one.title} pushes nothing",
        one.success or one.made,
        "What it would push at once comes by polling only, some minutes later. Nothing is lost.",
        "Nothing, unless it lasts for days: then sign in again.",
        SOURCES,
    )


def car(one: Car, watch: Watch) -> list[Alert]:
    """A car's alert: an owner must act, its calls fail, or nobody asks it though its schedule says so."""
    subject, since = f"car:{one.id}", one.success or one.made
    if one.needs_person:
        text = one.trouble or "It no longer lets us in."
        todo = "Do what it says; if it lasts, connect the car again."
        return [Alert(Kind.SIGN_IN, subject, "bad", f"{one.name} needs you", since, text, todo, SOURCES)]
    overdue = one.due is not None and watch.late(one.due, one.every)
    if one.faults < MANY_FAULTS and not overdue:
        return []
    last = f"Last heard of {watch.moment(since)}" if one.success else "Never heard of yet"
    why = f" {one.trouble}" if one.trouble else ""
    todo = "It is tried again by itself. If that lasts, look at Sources."
    sure = one.faults >= MANY_FAULTS or watch.sure(one.every)
    text = f"{last}, though it does not sleep.{why}"
    return [Alert(Kind.SILENT, subject, "bad", f"{one.name} is silent", since, text, todo, SOURCES, sure)]


def unit(one: Unit, watch: Watch) -> list[Alert]:
    """A unit's alert: it cannot be read though others can, or it is offline."""
    since = one.unread or one.offline
    if since is None or not watch.late(since, one.every):
        return []
    if one.unread:
        title, text = f"{one.name} cannot be read", f"No call for it worked since {watch.moment(since)}."
        todo = "It is tried again by itself. If that lasts, look whether the vendor's own app still shows it."
    else:
        title, text = f"{one.name} is offline", f"Its vendor says so since {watch.moment(since)}."
        todo = "See that it has power and Wi-Fi; mute this alert where it is unplugged on purpose."
    text += " What it uses meanwhile stands in the rest until its counter is read again."
    sure = watch.sure(one.every)
    return [Alert(Kind.SILENT, f"unit:{one.id}", "caution", title, since, text, todo, UNITS, sure)]


def relay(one: Relay, watch: Watch) -> list[Alert]:
    """A relay's alert: no cycle came, or none went well for two periods."""
    subject, every = f"relay:{one.name}", length(one.every)
    if watch.late(one.at, one.every):
        text = f"Its last cycle ended {watch.moment(one.at)}; one is expected every {every}."
        todo = "Look at its journal (journalctl -u smt-webhook) and whether its machine and network are up."
        title, sure = f"The relay {one.name} is silent", watch.sure(one.every)
        return [Alert(Kind.SILENT, subject, "bad", title, one.at, text, todo, SOURCES, sure)]
    if watch.now > one.good_at + 2 * one.every + SLACK:
        why = one.reason or "its journal says why"
        text = f"No cycle went well since {watch.moment(one.good_at)}: {why}"
        title, todo = f"The relay {one.name} fails", "Run wattledger doctor on the relay."
        sure = watch.sure(2 * one.every)
        return [Alert(Kind.SILENT, subject, "bad", title, one.good_at, text, todo, SOURCES, sure)]
    return []


def meter(one: Meter, watch: Watch) -> list[Alert]:
    """A meter's alert: no new day came in time."""
    allowed = METER_DELAY if one.fed else BY_HAND
    since = one.newest or one.made
    if watch.now <= since + allowed or (one.newest is None and not one.fed):
        return []
    text = f"Its readings end {watch.moment(since)}." if one.newest else "No reading has come yet."
    if one.fed:
        todo = (
            "The utility publishes a day within two days. "
            "Ask for the missing days, or add a file from the portal."
        )
    else:
        todo = "Its files are added by hand: add a newer one, or mute this alert."
    level: Level = "bad" if one.fed else "caution"
    title = f"No new readings of {one.name}"
    link = f"/meter?point={one.id}"
    return [Alert(Kind.SILENT, f"meter:{one.id}", level, title, since, text, todo, link)]
