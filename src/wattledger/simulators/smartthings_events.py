"""Push of the simulated SmartThings: subscriptions, and one stream of server-sent events for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattledger.clock import token
from wattledger.simulators.smartthings_script import error
from wattledger.simulators.smartthings_units import named_id

Pieces = asyncio.Queue[bytes | None]


@dataclass
class Push:
    """What is subscribed and who listens; tests send events, goodbyes, any bytes, or cut the streams."""

    most: int = 1
    """streams and subscriptions at once; more are refused with 409"""
    stream_host: str | None = None
    """another host to name in `registrationUrl`"""
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    opened: int = 0
    """streams so far"""
    _streams: set[Pieces] = field(default_factory=set)

    @property
    def listeners(self) -> int:
        """Streams that are open now."""
        return len(self._streams)

    def subscribe(self, asked: dict[str, Any], url: str) -> tuple[int, dict[str, Any]]:
        """(status, body) of a request for a subscription."""
        if not str(asked.get("clientDeviceId", "")).removeprefix("iapp_"):
            return 400, error(400)
        if len(self.subscriptions) >= self.most:
            return 409, error(409)
        id = named_id(token(8))
        self.subscriptions[id] = asked
        address = f"{self.stream_host or url}/filters/{id}/activate?filterRegion=global"
        return 200, {"subscriptionId": id, "registrationUrl": address, **asked}

    def remove(self, id: str) -> tuple[int, dict[str, Any]]:
        """(status, body) of a request to end a subscription."""
        return (200, {"count": 1}) if self.subscriptions.pop(id, None) else (404, error(404))

    async def stream(self) -> AsyncIterator[bytes]:
        """What one listener hears."""
        pieces: Pieces = asyncio.Queue()
        self._streams.add(pieces)
        self.opened += 1
        try:
            yield b": welcome\n\n"
            while (piece := await pieces.get()) is not None:
                yield piece
        finally:
            self._streams.discard(pieces)

    def send(self, piece: bytes) -> None:
        """These bytes to everybody who listens."""
        for pieces in self._streams:
            pieces.put_nowait(piece)

    def event(
        self,
        device: str,
        capability: str,
        attribute: str,
        value: Any,
        at: datetime,
        component: str = "main",
        **more: Any,
    ) -> bytes:
        """A device event; returns its frame, so that it can be sent again."""
        told = {
            "eventId": token(8), "deviceId": device, "componentId": component, "capability": capability,
            "attribute": attribute, "value": value, "stateChange": True, "data": {}, **more,
        }  # fmt: skip
        return self._sent("DEVICE_EVENT", "deviceEvent", told, at)

    def health(self, device: str, status: str, at: datetime) -> bytes:
        """A change of a device's health."""
        told = {"eventId": token(8), "deviceId": device, "status": status, "reason": "NONE"}
        return self._sent("DEVICE_HEALTH_EVENT", "deviceHealthEvent", told, at)

    def goodbye(self, word: str = "goodbye") -> None:
        """The vendor ends the streams well."""
        self.send(f"event: CONTROL_EVENT\ndata: {word}\n\n".encode())
        self.cut()

    def cut(self) -> None:
        """The streams end in the middle."""
        for pieces in self._streams:
            pieces.put_nowait(None)

    def _sent(self, kind: str, key: str, told: dict[str, Any], at: datetime) -> bytes:
        said = {"eventTime": round(at.timestamp() * 1000), "eventType": kind, key: told}
        frame = f"event: {kind}\ndata: {json.dumps(said)}\n\n".encode()
        self.send(frame)
        return frame
