"""v2: what the paths of a vehicle answered, singly, in a batch or in a webhook of version 2.0.

    {"path": "/battery", "code": 200, "body": {...},
     "headers": {"sc-data-age", "sc-fetched-at", "sc-unit-system"}}

Each path has a code, a time and a system of units of its own; one that failed takes nothing from the others.
`sc-data-age` is the instant at which the car recorded the value, in spite of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping, number
from wattledger.connectors.smartcar.errors import understand
from wattledger.connectors.smartcar.measures import position, quantity, state, yes_or_no
from wattledger.connectors.smartcar.reading import instant, text
from wattledger.connectors.smartcar.record import Moment, Record
from wattledger.connectors.smartcar.units import SYSTEMS
from wattledger.faults import sabotaged

FETCHED, RECORDED, SYSTEM = "sc-fetched-at", "sc-data-age", "sc-unit-system"
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path's answer; names of headers in lower case."""

    path: str
    code: int | None
    body: Body
    headers: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether it is an answer and no error; one without a code is judged by its body."""
        if self.code is None:
            return not {"statusCode", "error", "errors"} & self.body.keys()
        return 200 <= self.code < 300


def entry_of(said: Any, around: Mapping[str, Any] = {}) -> Entry:
    """An item of a batch; `around` are the headers of the whole answer, which its own win over."""
    item = mapping(said)
    own = {**around, **mapping(item.get("headers"))}
    headers = {name.casefold(): value for name, value in own.items()}
    code = item.get("code")
    status = number(int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 4 else code)
    path = "/" + text(item.get("path")).strip("/").casefold()
    return Entry(path, None if status is None else int(status), mapping(item.get("body")), headers)


def read(record: Record, car: str, entries: Iterable[Entry], otherwise: datetime | None = None) -> None:
    """Values of one car; `otherwise` is the time of paths that name none, else that of receipt."""
    for entry in entries:
        if entry.path == "/" and entry.good:
            record.car(car, entry.body)
        if (reader := READERS.get(entry.path)) is None:
            continue
        moment = Moment(record, car, _when(record, entry) or otherwise or record.received, entry.path)
        if entry.good:
            reader(moment, entry)
        else:
            moment.note(understand(entry.code or 0, entry.body).kind)


def _when(record: Record, entry: Entry) -> datetime | None:
    """When the car recorded it, else when it was fetched from the manufacturer."""
    named = [entry.headers.get(name) for name in (RECORDED, FETCHED)]
    for said in named:
        found = instant(said, record.received)
        if found is not None:
            return found
    if any(named):
        record.note(f"{entry.path}: its time can't be right; that of the answer stands in")
    return None


def _distance(moment: Moment, name: str, said: Any, entry: Entry) -> None:
    system = text(entry.headers.get(SYSTEM)).casefold()
    scale = 1.0 if sabotaged("unit_system") else SYSTEMS.get(system)
    if scale is None:
        moment.note(f"unit system {system[:30]!r} is not known; {name} is not recorded")
    else:
        quantity(moment, name, said, scale)


def _battery(moment: Moment, entry: Entry) -> None:
    quantity(moment, "soc_pct", entry.body.get("percentRemaining"), 100)
    _distance(moment, "range_km", entry.body.get("range"), entry)


def _charge(moment: Moment, entry: Entry) -> None:
    yes_or_no(moment, "plugged_in", entry.body.get("isPluggedIn"))
    if found := state(moment, entry.body.get("state")):
        moment.put("charging_state", found)


def _capacity(moment: Moment, entry: Entry) -> None:
    """`{"capacity": {"nominal": kWh}}`, or older `{"capacity": kWh}`."""
    said = entry.body.get("capacity")
    nominal = said.get("nominal") if isinstance(said, dict) else said
    if nominal != 0:
        quantity(moment, "capacity_kwh", nominal)


READERS: Mapping[str, Callable[[Moment, Entry], None]] = {
    "/battery": _battery,
    "/battery/capacity": _capacity,
    "/battery/nominal_capacity": _capacity,
    "/charge": _charge,
    "/charge/limit": lambda moment, entry: quantity(moment, "charge_limit_pct", entry.body.get("limit"), 100),
    "/location": lambda moment, entry: position(moment, entry.body),
    "/odometer": lambda moment, entry: _distance(moment, "odometer_km", entry.body.get("distance"), entry),
}
