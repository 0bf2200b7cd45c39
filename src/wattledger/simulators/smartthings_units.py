"""Air conditioners of the simulated home: each takes its share of the home's cooling, counted by a register.

What a unit says depends on its seed and the instant alone, so a summer behind it can be asked for at will.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from wattledger import localday
from wattledger.simulators.home import CENTRAL, Wh, cooling

FIRST_DAY = localday.number(date(2025, 1, 1))
QUARTER = timedelta(minutes=15)
MORNING, EVENING = 7 * 4, 22 * 4
"""quarter-hours of the day between which nobody sleeps"""
WARMER = 1.5
LOCATION = "5b7d1d9e-0d6c-4f65-9a0e-3c1f6f7a2b10"
_SPACE = uuid.UUID("0f9c6a52-6a7b-4a3e-9d5a-1f3a2f6d7c11")


def stamp(when: datetime) -> str:
    """An instant as the vendor writes it."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def named_id(name: str) -> str:
    """A device or room id that stays the same for a name."""
    return str(uuid.uuid5(_SPACE, name))


@dataclass
class AcUnit:
    """One unit: `share` of the home's cooling, a report every `period`, a register that began at `began`."""

    label: str
    share: float
    room: str
    seed: int = 1
    setpoint_c: float = 24.0
    began: int = 1_250_000
    period: timedelta = timedelta(minutes=5)
    _totals: list[int] = field(default_factory=lambda: [0], repr=False)

    @property
    def id(self) -> str:
        """The device id."""
        return named_id(self.label)

    def register(self, when: datetime) -> int:
        """The lifetime counter, Wh."""
        day, slot = localday.locate(when, CENTRAL)
        quarters = self._day(day)
        into = (when - localday.instant(day, slot, CENTRAL)) / QUARTER
        return self.began + self._before(day) + int(quarters[:slot].sum() + quarters[slot] * into)

    def device(self) -> dict[str, Any]:
        """As a device list has it."""
        capabilities = [
            {"id": name, "version": 1} for name in self.status(localday.start(FIRST_DAY, CENTRAL))
        ]
        category = {"name": "AirConditioner", "categoryType": "manufacturer"}
        main = {"id": "main", "label": "main", "capabilities": capabilities, "categories": [category]}
        return {
            "deviceId": self.id,
            "name": "Samsung-Room-Air-Conditioner",
            "label": self.label,
            "locationId": LOCATION,
            "roomId": named_id(f"room {self.room}"),
            "type": "OCF",
            "ocf": {"modelNumber": "ARA-WW-TP1-22-COMMON|10229641|60010523"},
            "components": [main],
        }

    def status(self, when: datetime, period: timedelta | None = None) -> dict[str, Any]:
        """Capabilities of `main` at an instant; reports cover `period` where it isn't the unit's own."""
        period = period or self.period
        end = self.reported(when, period)
        start = end - period
        energy, delta = self.register(end), self.register(end) - self.register(start)
        power = round(delta / (period / timedelta(hours=1)))
        report = {
            "energy": energy, "deltaEnergy": delta, "power": power, "powerEnergy": float(delta),
            "persistedEnergy": energy, "energySaved": 0,
            "start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }  # fmt: skip
        at, on = stamp(end + timedelta(milliseconds=404)), delta > 0
        asked, night = self._asked(end)
        room = asked + (0.2 + 1.4 * self._load(end) if on else 1.5) + self.share
        return {
            "powerConsumptionReport": {"powerConsumption": {"value": report, "timestamp": at}},
            "switch": {"switch": {"value": "on" if on else "off", "timestamp": at}},
            "airConditionerMode": {"airConditionerMode": {"value": "cool", "timestamp": at}},
            "airConditionerFanMode": {
                "fanMode": {"value": "auto" if on and not night else "low", "timestamp": at}
            },
            "temperatureMeasurement": {
                "temperature": {"value": round(room, 1), "unit": "C", "timestamp": at}
            },
            "thermostatCoolingSetpoint": {"coolingSetpoint": {"value": asked, "unit": "C", "timestamp": at}},
            "relativeHumidityMeasurement": {"humidity": {"value": 48, "unit": "%", "timestamp": at}},
        }

    def _asked(self, when: datetime) -> tuple[float, bool]:
        """What is asked for, a little warmer at night, and whether it is night."""
        _, slot = localday.locate(when, CENTRAL)
        night = not MORNING <= slot < EVENING
        return self.setpoint_c + (WARMER if night else 0.0), night

    def _load(self, when: datetime) -> float:
        """How hard it works, of the day's most."""
        day, slot = localday.locate(when, CENTRAL)
        quarters = self._day(day)
        return float(quarters[slot] / max(1, quarters.max()))

    def reported(self, when: datetime, period: timedelta | None = None) -> datetime:
        """The end of the newest report at an instant."""
        return when - (when - datetime.fromtimestamp(0, UTC)) % (period or self.period)

    def _day(self, day: int) -> Wh:
        _, energy = cooling(self.seed, day)
        return np.floor(energy * self.share).astype(np.int32)

    def _before(self, day: int) -> int:
        """Wh of all days before one; totals are remembered."""
        while len(self._totals) <= day - FIRST_DAY:
            n = FIRST_DAY + len(self._totals) - 1
            self._totals.append(self._totals[-1] + int(self._day(n).sum()))
        return self._totals[max(0, day - FIRST_DAY)]


def three_units(seed: int = 1) -> list[AcUnit]:
    """The units of the simulated home."""
    return [
        AcUnit("Living room AC", 0.46, "Living room", seed),
        AcUnit("Bedroom AC", 0.31, "Bedroom", seed, setpoint_c=23.0, began=3_480_200),
        AcUnit("Office AC", 0.22, "Office", seed, setpoint_c=25.0, began=83_160),
    ]
