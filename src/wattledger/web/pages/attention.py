"""How relays and meters are, in words with what to do; by the same measures as their alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattledger.insight.alerts import SLACK
from wattledger.insight.expectations import METER_DELAY
from wattledger.store.rows import UsagePointRow
from wattledger.web.alerts.facts import period_of
from wattledger.web.hub import Hub
from wattledger.web.pages import words

MOST_LISTED = 5
TO_JOURNAL = "Look at its journal (journalctl -u smt-webhook) and whether its machine and network are up."
TO_SPOOL = "Run wattledger relay spool on the relay: it lists what was set aside, with the reasons."
TO_DOCTOR = "Run wattledger doctor on the relay."
TO_FILL = (
    "The utility publishes a day within two days. Ask for the missing days, or add a file from the portal."
)
FIRST_FILE = "Add a file, or wait for the relay's first."


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay as its last heartbeat shows it."""

    name: str
    at: datetime
    line: Mapping[str, Any]
    level: str
    """good, caution or bad"""
    sentence: str
    todo: str | None = None

    @property
    def failed(self) -> list[str]:
        """Files that its last cycle left aside, with the reasons, and its warnings."""
        files, warnings = (self.line.get(name) for name in ("failed", "warnings"))
        listed = files if isinstance(files, list) else []
        named = [f"{f.get('name')}: {f.get('reason')}" for f in listed if isinstance(f, Mapping)]
        return [*named, *map(str, warnings if isinstance(warnings, list) else [])][:MOST_LISTED]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new the readings of one usage point are."""

    point: UsagePointRow
    level: str
    sentence: str
    todo: str | None = None


def judge_relay(name: str, at: datetime, line: Mapping[str, Any], now: datetime, every: float) -> Relay:
    """A relay's state in words: silent when a cycle of every `every` minutes is overdue, else its last."""
    age = words.age(at, now)
    if now - at > period_of(line, every) + SLACK:
        return Relay(name, at, line, "bad", f"Silent: last heard of {age}.", TO_JOURNAL)
    if line.get("status") == "failed":
        why = str(line.get("error") or line.get("reason") or "its journal says why")
        return Relay(name, at, line, "bad", f"The last cycle failed {age}: {why}", TO_DOCTOR)
    if line.get("status") == "partial":
        return Relay(name, at, line, "caution", f"The last cycle, {age}, left some files aside.", TO_SPOOL)
    return Relay(name, at, line, "good", f"Last cycle {age}.")


def judge_freshness(point: UsagePointRow, newest: datetime | None, now: datetime) -> Freshness:
    """How new a meter's readings are: late after three days."""
    if newest is None:
        return Freshness(point, "caution", "No readings yet.", FIRST_FILE)
    text = f"Readings to {words.moment(newest, point.timezone)}, {words.age(newest, now)}."
    if now - newest > METER_DELAY:
        return Freshness(point, "caution", text, TO_FILL)
    return Freshness(point, "good", text)


async def relays(hub: Hub) -> list[Relay]:
    """Every relay that has reported, judged now."""
    now, every = hub.clock.now(), hub.settings.relay_every_minutes
    return [judge_relay(b.name, b.at, b.line, now, every) for b in await hub.store.connections.heartbeats()]
