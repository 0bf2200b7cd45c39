"""Sends events of the simulated Smartcar as the real one does: signed, at least once, with three retries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from wattledger.clock import token
from wattledger.simulators.smartcar_events import Event, changes, vehicle_state, verify
from wattledger.simulators.smartcar_garage import named_id
from wattledger.simulators.smartcar_vendor import Vendor

RETRIES = (25.0, 50.0, 100.0)
PATIENCE = 15.0
HEADER = "SC-Signature"


@dataclass(frozen=True)
class Delivery:
    """One attempt: the raw body, and the status that came back; 0 where nothing did."""

    event: str | None
    body: bytes
    status: int


def signature(word: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the raw bytes."""
    return hmac.new(word.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Push:
    """Calls the webhook's callback. `factor` shortens the pauses before retries; 0 makes none."""

    vendor: Vendor
    factor: float = 1.0
    key: str | None = None
    """signs with another word than the vendor's management token"""
    signs: bool = True
    deliveries: list[Delivery] = field(default_factory=list)
    first: set[str] = field(default_factory=set)
    """subscriptions that have had their first delivery"""

    @property
    def word(self) -> str:
        """What signatures are made with."""
        return self.key or self.vendor.management_token

    async def verify(self, challenge: str | None = None, *, v2: bool = False) -> bool:
        """Whether the callback answers a challenge as it must."""
        asked = challenge or token(24)
        answer = await self._post(verify(self.vendor.webhooks[0], asked, v2=v2), signed=False)
        if answer is None or answer.status_code != 200:
            return False
        said = answer.json().get("challenge", "")
        return hmac.compare_digest(said.encode(), signature(self.word, asked.encode()).encode())

    async def send(self, event: Event, *, retries: bool = True) -> list[int]:
        """The statuses of all attempts; each has a new delivery id, so another body and signature."""
        statuses: list[int] = []
        for pause in (0.0, *(RETRIES if retries else ())):
            await asyncio.sleep(pause * self.factor)
            answer = await self._post(event)
            statuses.append(0 if answer is None else answer.status_code)
            if 200 <= statuses[-1] < 300:
                break
        return statuses

    async def together(self, events: Iterable[Event], *, retries: bool = True) -> list[list[int]]:
        """All at the same time, in no order."""
        return await asyncio.gather(*(self.send(event, retries=retries) for event in events))

    def due(self, since: datetime, until: datetime) -> list[Event]:
        """What subscribed vehicles did in [since, until), and first deliveries of new subscriptions."""
        found: list[Event] = []
        for made in self.vendor.subscriptions:
            for grant in self.vendor.garage.of(made.user, made.vehicle):
                if made.id not in self.first:
                    self.first.add(made.id)
                    found.append(vehicle_state(self.vendor, grant, until))
                found += changes(self.vendor, grant, since, until)
        return found

    async def follow(self, every: float, since: datetime | None = None) -> None:
        """Send what vehicles do from now on, until cancelled."""
        then = since or self.vendor.clock.now()
        while True:
            now = self.vendor.clock.now()
            if self.vendor.webhooks[0].enabled:
                await self.together(self.due(then, now))
            then = now
            await asyncio.sleep(every)

    async def _post(self, event: Event, *, signed: bool = True) -> httpx2.Response | None:
        body = json.dumps(self._delivered(event)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Smartcar/4.0"}
        if signed and self.signs:
            headers[HEADER] = signature(self.word, body)
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
                answer = await http.post(self.vendor.webhooks[0].callback, content=body, headers=headers)
        except httpx2.TransportError:
            answer = None
        status = 0 if answer is None else answer.status_code
        self.deliveries.append(Delivery(event.get("eventId"), body, status))
        return answer

    def _delivered(self, event: Event) -> Event:
        own: dict[str, Any] = {"deliveryId": named_id(token(16))}
        own["deliveredAt"] = round(self.vendor.clock.now().timestamp() * 1000)
        if "meta" in event:
            return {**event, "meta": {**event["meta"], **own}}
        data = event.get("data", {})
        if "meta" in data:
            return {**event, "data": {**data, "meta": {**data["meta"], **own}}}
        return event
