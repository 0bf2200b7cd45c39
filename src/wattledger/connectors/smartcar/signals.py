"""v3: what signals say, in lists, alone, and in webhooks since version 3.0.

    {"attributes": {"code", "name", "group", "status": {"value", "error"}, "body": {...}}, "meta": {...}}
    {"code", "name", "group", "status", "body", "meta"}     in webhooks

Only SUCCESS counts: under ERROR a body may hold a value that is hours old. The time is the manufacturer's
(`oemUpdatedAt`), else that of retrieval; a signal without either is not recorded, since whenever it came
says nothing about its age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar import units
from wattledger.connectors.smartcar.errors import of_signal
from wattledger.connectors.smartcar.measures import UNKNOWN, measured, position, state, yes_or_no
from wattledger.connectors.smartcar.reading import instant, text, word
from wattledger.connectors.smartcar.record import Moment, Record
from wattledger.faults import sabotaged

SUCCESS = "SUCCESS"
DETAILED, CHARGING = "charge-detailedchargingstatus", "charge-ischarging"
SOC, LOCATION = "tractionbattery-stateofcharge", "location-preciselocation"
CAPACITY = "tractionbattery-nominalcapacity"
CLOSE = timedelta(minutes=15)
"""within this the detailed word stands against a contradicting yes or no that is younger"""
TIMES = ("oemUpdatedAt", "retrievedAt", "fetchedAt")
Body = Mapping[str, Any]
Stand = Callable[[str], datetime | None]
"""by code: the time of a signal that names none"""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal, whatever it came in."""

    code: str
    status: str
    """SUCCESS, ERROR, UNAVAILABLE, ...; empty where none was said"""
    body: Body
    meta: Mapping[str, Any]
    error: Any

    @property
    def good(self) -> bool:
        """Whether its body is current. Without a status it is where the body says anything."""
        said = self.status or (SUCCESS if self.body and not self.error else "")
        return said == SUCCESS or sabotaged("success_only")


@dataclass(slots=True)
class _Charging:
    """The two signals that say whether a car charges, until both are known."""

    detailed: tuple[Moment, str] | None = None
    plain: tuple[Moment, str] | None = None


@dataclass(slots=True)
class _Reading:
    record: Record
    car: str
    charging: _Charging = field(default_factory=_Charging)


def signal_of(said: Any) -> Signal | None:
    """A signal; None for what has no code."""
    item = mapping(said)
    inner = mapping(item.get("attributes")) or item
    code = text(inner.get("code")) or text(item.get("id"))
    if not code and text(inner.get("group")) and text(inner.get("name")):
        code = f"{text(inner.get('group'))}-{text(inner.get('name'))}"
    status, error = inner.get("status"), mapping(inner.get("status")).get("error") or inner.get("error")
    value = word(mapping(status).get("value") if isinstance(status, dict) else status)
    if not code:
        return None
    meta = mapping(item.get("meta")) or mapping(inner.get("meta"))
    return Signal(code.casefold(), value, mapping(inner.get("body")), meta, error)


def when(signal: Signal, received: datetime) -> datetime | None:
    """When the value was measured. Capacity is no measurement: the time it was stored will do."""
    names = (*TIMES, "ingestedAt") if signal.code == CAPACITY else TIMES
    found = (instant(signal.meta.get(name), received) for name in names)
    return next((at for at in found if at is not None), None)


def read(record: Record, car: str, items: Iterable[Any], stand: Stand = lambda _: None) -> None:
    """Values of one car. `stand` knows a time for signals without one."""
    reading = _Reading(record, car)
    for item in items:
        signal = signal_of(item)
        if signal is None or signal.code not in READERS:
            continue
        if not signal.good:
            record.note(f"{signal.code}: {_reason(signal)}")
        elif (at := when(signal, record.received) or stand(signal.code)) is None:
            record.note(f"{signal.code}: without a time of measurement; not recorded")
        else:
            READERS[signal.code](reading, Moment(record, car, at, signal.code), signal.body)
    _settle(reading.charging)


def _reason(signal: Signal) -> str:
    error = mapping(signal.error)
    return of_signal(error).kind if error.get("type") else signal.status or "nothing said"


def _settle(charging: _Charging) -> None:
    """One word where both were said: where they contradict each other the detailed one mostly stands."""
    if charging.plain is None or charging.detailed is None:
        for said in filter(None, (charging.detailed, charging.plain)):
            said[0].put("charging_state", said[1])
        return
    (detailed, exact), (plain, rough) = charging.detailed, charging.plain
    if exact == UNKNOWN:
        plain.put("charging_state", rough)
        return
    detailed.put("charging_state", exact)
    if (exact == "CHARGING") == (rough == "CHARGING"):
        plain.put("charging_state", exact)
    elif plain.at - detailed.at > CLOSE:
        plain.put("charging_state", rough)
    else:
        plain.note(f"{rough} against {exact} of {DETAILED}, which stands")


def _soc(_: _Reading, moment: Moment, body: Body) -> None:
    """`{"value", "unit": "percent"}`, older `{"percentage"}`. A bare value may be a share of 1 or of 100."""
    if "value" in body or "percentage" not in body:
        measured(moment, "soc_pct", body.get("value"), body.get("unit"), units.PERCENT)
    else:
        measured(moment, "soc_pct", body.get("percentage"), "percent", units.PERCENT)


def _capacity(_: _Reading, moment: Moment, body: Body) -> None:
    said = body.get("capacity", body.get("value"))
    if said != 0:
        measured(moment, "capacity_kwh", said, body.get("unit"), units.KILOWATT_HOURS)


def _limit(_: _Reading, moment: Moment, body: Body) -> None:
    """The limit in force, else the one that holds everywhere."""
    everywhere = (mapping(item) for item in rows(body.get("values")))
    limits = (item.get("limit") for item in everywhere if word(item.get("type")) == "GLOBAL")
    said = body.get("activeLimit")
    limit = next(limits, None) if said is None else said
    measured(moment, "charge_limit_pct", limit, body.get("unit"), units.PERCENT)


def _detailed(reading: _Reading, moment: Moment, body: Body) -> None:
    found = state(moment, body.get("value"))
    if found and reading.charging.detailed is None:
        reading.charging.detailed = moment, found


def _is_charging(reading: _Reading, moment: Moment, body: Body) -> None:
    said = body.get("value")
    if isinstance(said, bool):
        reading.charging.plain = reading.charging.plain or (moment, "CHARGING" if said else "NOT_CHARGING")
    elif said is not None:
        moment.note("neither true nor false")


Reader = Callable[[_Reading, Moment, Body], None]


def _measure(name: str, table: Mapping[str, float]) -> Reader:
    return lambda _, moment, body: measured(moment, name, body.get("value"), body.get("unit"), table)


def _flag(name: str) -> Reader:
    return lambda _, moment, body: yes_or_no(moment, name, body.get("value"))


READERS: Mapping[str, Reader] = {
    SOC: _soc,
    "tractionbattery-range": _measure("range_km", units.KILOMETRES),
    CAPACITY: _capacity,
    DETAILED: _detailed,
    CHARGING: _is_charging,
    "charge-ischargingcableconnected": _flag("plugged_in"),
    "charge-wattage": _measure("charge_kw", units.KILOWATTS),
    "charge-voltage": _measure("charge_voltage", units.VOLTS),
    "charge-amperage": _measure("charge_amperage", units.AMPERES),
    "charge-energyadded": _measure("energy_added_wh", units.WATT_HOURS),
    "charge-timetocomplete": _measure("time_to_complete_min", units.MINUTES),
    "charge-chargelimits": _limit,
    "charge-isfastchargerpresent": _flag("fast_charger"),
    LOCATION: lambda _, moment, body: position(moment, body),
    "location-isathome": _flag("at_home"),
    "odometer-traveleddistance": _measure("odometer_km", units.KILOMETRES),
    "connectivitystatus-isasleep": _flag("is_asleep"),
    "connectivitystatus-isonline": _flag("is_online"),
    "lowvoltagebattery-stateofcharge": _measure("low_voltage_soc_pct", units.PERCENT),
}
"""every signal that is read; of the others nothing is, not even their errors"""
