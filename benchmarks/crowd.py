"""Many simulated SmartThings accounts in one process of their own: `python -m benchmarks.crowd 100 100`.

Prints one line of JSON, [[address, token], ...], and serves until its input ends. The n-th list of an account
is five minutes after the one before it, with a new report of every device.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.simulators.smartthings_units import AcUnit, named_id, three_units

FIRST = datetime(2026, 7, 4, 17, 0, 30, tzinfo=UTC)
EVERY = timedelta(minutes=5)
LONG_AGO = FIRST - timedelta(days=1)
BEFORE_REPORT = timedelta(seconds=40)
WH_A_REPORT = 75


@dataclass
class Account(SmartThingsSimulator):
    """An account with `many` air conditioners that are copies of one but for id, label and register."""

    number: int = 0
    many: int = 100
    _template: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.units = ()
        super().__post_init__()
        unit = _unit()
        self._template = unit.status(FIRST)
        for n in range(self.many):
            label = f"Unit {self.number}-{n}"
            self.add({**unit.device(), "deviceId": named_id(label), "label": label}, {})

    def status(self, id: str) -> dict[str, Any]:
        """The template with the report of this account's present."""
        reports = self.asked("/devices")
        end = (FIRST + EVERY * reports).replace(second=0)
        register = int(id[:6], 16) + WH_A_REPORT * reports
        report = {
            **self._template["powerConsumptionReport"]["powerConsumption"]["value"],
            "energy": register,
            "deltaEnergy": WH_A_REPORT,
            "start": (end - EVERY).isoformat(),
            "end": end.isoformat(),
        }
        return {"main": _stamped(self._template, report, end)}

    def health(self, id: str) -> dict[str, Any]:
        """Online since yesterday."""
        return {"state": "ONLINE", "lastUpdatedDate": LONG_AGO.isoformat()}


def _unit() -> AcUnit:
    return three_units()[0]


def _stamped(template: dict[str, Any], report: dict[str, Any], end: datetime) -> dict[str, Any]:
    """The report and what a sensor measures are new each time, other attributes are old."""
    new = {"powerConsumptionReport": end, "temperatureMeasurement": end - BEFORE_REPORT}
    said = {}
    for capability, attributes in template.items():
        at = new.get(capability, LONG_AGO).isoformat()
        said[capability] = {name: {**attribute, "timestamp": at} for name, attribute in attributes.items()}
    said["powerConsumptionReport"]["powerConsumption"]["value"] = report
    return said


async def _serve(accounts: int, devices: int) -> None:
    async with AsyncExitStack() as stack:
        found = []
        for number in range(accounts):
            vendor = await stack.enter_async_context(Account(number=number, many=devices))
            found.append((vendor.url, vendor.issuer.pasted(48)))
        print(json.dumps(found), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
