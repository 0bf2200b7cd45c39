"""What every route of the hub works with: the store, settings, clock, the way to the relay."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request

from wattledger.clock import Clock
from wattledger.config import Settings
from wattledger.store import Store
from wattledger.web.disk import Disk
from wattledger.web.mail import Mailer
from wattledger.web.metrics import Metrics
from wattledger.web.on_demand import OnDemand
from wattledger.web.throttle import Throttle
from wattledger.web.trigger import Trigger


def _to_terminal(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@dataclass(slots=True)
class Hub:
    """One running hub. `address` is where it is bound, set by whoever binds it (`http://127.0.0.1:8000`)."""

    store: Store
    settings: Settings
    clock: Clock
    trigger: Trigger
    failures: Throttle
    links: Throttle
    mails: Throttle
    connects: Throttle
    post: Mailer
    disk: Disk
    metrics: Metrics = field(default_factory=Metrics)
    streams: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    announce: Callable[[str], None] = _to_terminal
    address: str | None = None
    on_demand: OnDemand | None = None

    def base_url(self, request: Request) -> str:
        """Where links point: the setting, else the socket that was bound. Never the Host header."""
        if self.settings.base_url:
            return self.settings.base_url.rstrip("/")
        if self.address:
            return self.address.rstrip("/")
        host, port = request.scope.get("server") or ("127.0.0.1", None)
        name = f"[{host}]" if ":" in host else host
        return f"{request.scope['scheme']}://{name}" + (f":{port}" if port else "")

    def secure(self, request: Request) -> bool:
        """Whether browsers reach this hub by https."""
        return self.base_url(request).startswith("https://")

    def on_loopback(self, request: Request) -> bool:
        """Whether only this machine reaches the hub, so that its terminal may show sign-in links."""
        host = urlsplit(self.base_url(request)).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def hub(request: Request) -> Hub:
    """The hub that serves this request."""
    found = request.app.state.hub
    assert isinstance(found, Hub)
    return found
