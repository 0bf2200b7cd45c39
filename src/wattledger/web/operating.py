"""Gauges that an operator watches, read from the database when they are asked for; counts of collections."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wattledger.errors import LoginRequired, Misconfigured, WattledgerError
from wattledger.secrets import SecretUnreadable
from wattledger.store import Store
from wattledger.store.archive.backlog import Newest, backlog

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)
STATES = ("ok", "late", "never", "needs_login", "misconfigured", "disconnected")
PAYLOADS = ("stored", "read", "rejected")
OUTCOMES = ("ok", "late", "needs_login", "misconfigured")


class Operating:
    """One hub's. `collected` is called after each collection of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"wattledger_{name}", text, labels, registry=registry)

        self.connections = gauge("connections", "Connections by state", "connector", "state")
        self.overdue = gauge(
            "collection_overdue_seconds", "Seconds that the longest due connection waits", "connector"
        )
        self.source_age = gauge(
            "source_payload_age_seconds",
            "Seconds since the newest payload of a connector came in this way",
            "connector",
            "source",
        )
        self.archived = gauge("archived_payloads", "Payloads in the archive; `stored` ones wait", "state")
        self.waiting = gauge("payload_waiting_seconds", "Seconds that the oldest waiting payload waits")
        self.relay_success = gauge(
            "relay_success_age_seconds", "Seconds since a relay's cycle last did not fail", "relay"
        )
        self.calls = gauge("vendor_calls_this_month", "Vendor calls counted this month (UTC)", "connector")
        self._collected = Counter(
            "wattledger_collections",
            "Scheduled collections of this process by what became of them",
            ("connector", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "wattledger_collection_seconds",
            "Seconds that a collection of this process took",
            ("connector",),
            registry=registry,
            buckets=SECONDS,
        )
        self._newest: Newest | None = None

    def collected(self, connector: str, error: WattledgerError | None, seconds: float) -> None:
        """Count one collection."""
        self._collected.labels(connector, outcome_of(error)).inc()
        self._seconds.labels(connector).observe(seconds)

    async def refresh(self, store: Store, now: datetime) -> None:
        """Read what stands in the database; what is gone is not repeated."""
        await self._connections(store, now)
        await self._payloads(store, now)
        self.relay_success.clear()
        for beat in await store.connections.heartbeats():
            if beat.good_at is not None:
                self.relay_success.labels(beat.name).set((now - beat.good_at).total_seconds())
        month = f"{now:%Y-%m}"
        calls = sum(v.calls for v in await store.vehicles.list(None) if v.month == month)
        self.calls.labels("smartcar").set(calls)

    async def _connections(self, store: Store, now: datetime) -> None:
        rows = await store.connections.list(None)
        tally = Tally((row.connector, row.state) for row in rows)
        self.connections.clear()
        self.overdue.clear()
        for connector in {row.connector for row in rows}:
            for state in STATES:
                self.connections.labels(connector, state).set(tally[connector, state])
            due = [r.next_poll_at for r in rows if r.connector == connector and r.next_poll_at is not None]
            late = max(0.0, (now - min(due)).total_seconds()) if due else 0.0
            self.overdue.labels(connector).set(late)

    async def _payloads(self, store: Store, now: datetime) -> None:
        found = await backlog(store.database)
        for state in PAYLOADS:
            self.archived.labels(state).set(found.states.get(state, 0))
        self.waiting.set((now - found.oldest).total_seconds() if found.oldest else 0)
        if self._newest is None:
            self._newest = Newest(store.database)
        for (connector, source), at in (await self._newest.look()).items():
            self.source_age.labels(connector, source).set((now - at).total_seconds())


def outcome_of(error: WattledgerError | None) -> str:
    """One of OUTCOMES: the state that a connection is in afterwards."""
    if error is None:
        return "ok"
    if isinstance(error, LoginRequired):
        return "needs_login"
    return "misconfigured" if isinstance(error, Misconfigured | SecretUnreadable) else "late"
