"""SmartThings on loopback: a home's air conditioners, and any other device a test wants to have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from wattledger.clock import Clock, SystemClock
from wattledger.simulators import http
from wattledger.simulators.calls import Call
from wattledger.simulators.smartthings_app import make_app
from wattledger.simulators.smartthings_events import Push
from wattledger.simulators.smartthings_oauth import Issuer
from wattledger.simulators.smartthings_script import Script
from wattledger.simulators.smartthings_units import LOCATION, AcUnit, named_id, stamp, three_units

Status = dict[str, Any]


@dataclass
class SmartThingsSimulator:
    """`async with SmartThingsSimulator() as vendor`: `vendor.url`, `vendor.issuer.pasted()`.

    Devices are the units' and those of `add`; `script` makes calls fail, `calls` tells what was asked.
    """

    units: Sequence[AcUnit] = field(default_factory=three_units)
    clock: Clock = field(default_factory=SystemClock)
    page_size: int = 200
    together: bool = True
    """whether lists carry statuses where asked"""
    refuses_together: int | None = None
    """the status with which a list with statuses is refused"""
    next_host: str | None = None
    """another host to name in `next`"""

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.clock)
        self.script = Script()
        self.push = Push()
        self.calls: list[Call] = []
        self.url = ""
        self.offline: set[str] = set()
        self.devices: dict[str, dict[str, Any]] = {unit.id: unit.device() for unit in self.units}
        self._units = {unit.id: unit for unit in self.units}
        self._statuses: dict[str, Status] = {}
        self.locations: dict[str, dict[str, Any]] = {
            LOCATION: {
                "name": "Home",
                "timeZoneId": "America/Chicago",
                "latitude": 30.27,
                "longitude": -97.74,
            }
        }
        self.rooms = {LOCATION: {named_id(f"room {unit.room}"): unit.room for unit in self.units}}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> SmartThingsSimulator:
        self.url = await self._stack.enter_async_context(http.serve(make_app(self)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.push.cut()
        await self._stack.aclose()

    def add(self, device: Mapping[str, Any], components: Status) -> str:
        """A device with a status that stays as it is. Returns its id."""
        self.devices[device["deviceId"]] = dict(device)
        self._statuses[device["deviceId"]] = components
        return str(device["deviceId"])

    def item(self, id: str, together: bool) -> dict[str, Any]:
        """A device as the list has it, with statuses where they were asked for and are given."""
        device = self.devices[id]
        if not (together and self.together):
            return device
        return {**_carrying(device, self.status(id)), "healthState": self.health(id)}

    def list_at(self, when: datetime, period: timedelta) -> bytes:
        """The units' list with statuses as it was at an instant, with reports every `period`."""
        items = [_carrying(unit.device(), {"main": unit.status(when, period)}) for unit in self.units]
        return json.dumps({"items": items, "_links": {}}).encode()

    def status(self, id: str) -> Status:
        """`components` of a device now."""
        unit = self._units.get(id)
        return {"main": unit.status(self.clock.now())} if unit else self._statuses[id]

    def health(self, id: str) -> dict[str, Any]:
        """State of a device now."""
        state = "OFFLINE" if id in self.offline else "ONLINE"
        return {"state": state, "lastUpdatedDate": stamp(self._since())}

    def asked(self, part: str) -> int:
        """How many calls had `part` in their path."""
        return sum(part in call.path for call in self.calls)

    def environment(self) -> dict[str, str]:
        """The settings a hub needs to use this vendor."""
        return {
            "SMARTTHINGS_BASE_URL": self.url,
            "SMARTTHINGS_CLIENT_ID": self.issuer.client_id,
            "SMARTTHINGS_CLIENT_SECRET": self.issuer.client_secret,
            "SMARTTHINGS_REDIRECT_URI": self.issuer.redirect_uri,
        }

    def _since(self) -> datetime:
        return self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _carrying(device: Mapping[str, Any], status: Status) -> dict[str, Any]:
    """A device with its statuses in it."""
    components = [
        {**c, "capabilities": _with_status(c["capabilities"], status.get(c["id"]) or {})}
        for c in device["components"]
    ]
    return {**device, "components": components}


def _with_status(capabilities: Sequence[Mapping[str, Any]], said: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {**capability, **({"status": said[capability["id"]]} if capability["id"] in said else {})}
        for capability in capabilities
    ]
