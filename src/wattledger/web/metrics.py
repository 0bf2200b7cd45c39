"""Counters for Prometheus, one registry per hub."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from wattledger.web.operating import Operating

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """What a hub counts: answers by route, payloads by outcome, refused secrets, newest heartbeats."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "wattledger_http_seconds",
            "Seconds from request to answer",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=SECONDS,
        )
        self._payloads = Counter(
            "wattledger_payloads",
            "Payloads taken in",
            ("source", "state", "duplicate"),
            registry=self.registry,
        )
        self._refused = Counter(
            "wattledger_refused_secrets", "Requests with a wrong secret", registry=self.registry
        )
        self._webhooks = Counter(
            "wattledger_webhooks",
            "Vendors' calls by what became of them",
            ("outcome",),
            registry=self.registry,
        )
        self._ages()
        self.operating = Operating(self.registry)

    def _ages(self) -> None:
        self.heartbeat_age = self._gauge(
            "relay_heartbeat_age_seconds", "Seconds since a relay's last sign of life", "relay"
        )
        self.success_age = self._gauge(
            "connection_success_age_seconds",
            "Seconds since a connection was last collected without an error",
            "connector",
            "connection",
        )
        self.token_left = self._gauge(
            "pasted_token_seconds_left", "Seconds until a pasted token ends", "connection"
        )
        self.alerts = self._gauge(
            "alerts_open", "Alerts that are open, by kind and level, of all sites", "kind", "level"
        )
        self.meter_age = self._gauge(
            "meter_newest_day_age_seconds",
            "Seconds since the end of a meter's newest day (the 500 oldest)",
            "usage_point",
        )
        self.car_age = self._gauge(
            "car_success_age_seconds", "Seconds since a car last answered", "usage_point"
        )
        self.newest_reading_age = self._gauge(
            "newest_payload_age_seconds", "Seconds since the newest payload was received"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"wattledger_{name}", text, labels, registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        verb = method if method in _METHODS else "OTHER"
        self._seconds.labels(verb, route, str(status)).observe(seconds)

    def delivered(self, source: str, state: str, duplicate: bool) -> None:
        """Count one payload."""
        self._payloads.labels(source, state, str(duplicate).lower()).inc()

    def refused_secret(self) -> None:
        """Count one request with a wrong secret."""
        self._refused.inc()

    def called(self, outcome: str) -> None:
        """Count one call of a vendor."""
        self._webhooks.labels(outcome).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
