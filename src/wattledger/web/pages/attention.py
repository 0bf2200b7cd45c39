"""What needs a person: sources that are silent, late or refused, in words with what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.web.hub import Hub
from wattledger.web.pages import words

FILE_DELAY = timedelta(days=3)
"""the utility's files for a day come on the second day after it; a third without one is late"""


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay as its last heartbeat shows it."""

    name: str
    at: datetime
    line: dict[str, Any]
    level: str
    """good, caution or bad"""
    sentence: str
    todo: str | None


@dataclass(slots=True)
class Freshness:
    """How new the readings of one usage point are."""

    point: Any
    newest: datetime | None
    level: str
    sentence: str
    todo: str | None = None
    facts: list[str] = field(default_factory=list)


def judge_relay(name: str, at: datetime, line: dict[str, Any], now: datetime, every_minutes: float) -> Relay:
    """A relay's state in words: silent after two missed cycles, else what its last cycle said."""
    silent = timedelta(minutes=2 * every_minutes + 5)
    if now - at > silent:
        todo = "Look at its journal (journalctl -u smt-webhook) and whether its machine and network are up."
        return Relay(name, at, line, "bad", f"Silent since {words.age(at, now)}.", todo)
    status = str(line.get("status", ""))
    if status == "failed":
        why = str(line.get("error") or "its last cycle failed")
        return Relay(name, at, line, "bad", f"Last cycle failed {words.age(at, now)}: {why}", "Run wattledger doctor on the relay.")
    if status == "partial":
        text = f"Last cycle {words.age(at, now)} left some files aside."
        return Relay(name, at, line, "caution", text, "Run wattledger relay list on the relay to see them.")
    return Relay(name, at, line, "good", f"Last cycle {words.age(at, now)}.", None)


def judge_freshness(point: Any, newest: datetime | None, now: datetime) -> Freshness:
    """How new a meter's readings are: late after three days."""
    if newest is None:
        return Freshness(point, None, "caution", "No readings yet.", "Add a file, or wait for the relay's first.")
    text = f"Readings to {words.moment(newest, point.timezone)}, {words.age(newest, now)}."
    if now - newest > FILE_DELAY:
        todo = "The utility publishes a day within two days. Ask for the missing days, or add a file from the portal."
        return Freshness(point, newest, "caution", text, todo)
    return Freshness(point, newest, "good", text)


async def relays(hub: Hub) -> list[Relay]:
    """Every relay that has reported, judged now."""
    now, every = hub.clock.now(), hub.settings.relay_every_minutes
    return [judge_relay(b.name, b.at, b.line, now, every) for b in await hub.store.connections.heartbeats()]


async def attention(hub: Hub, site: str) -> int:
    """How many sources need a person: the number in the rail."""
    waiting = [c for c in await hub.store.connections.list(site) if c.state in {"needs_login", "misconfigured"}]
    return len(waiting) + sum(r.level == "bad" for r in await relays(hub))
