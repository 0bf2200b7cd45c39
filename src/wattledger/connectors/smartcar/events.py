"""What a webhook says of its cars: signals since version 3.0, paths and charging events in 2.0, errors.

A trial (mode TEST) and a challenge say nothing of any car. Signals of version 3.0 have no times of their own,
so the time of delivery stands in; since 4.0 it does only for signals whose change was the reason to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar import paths, signals
from wattledger.connectors.smartcar.envelope import (
    ERROR,
    EVENT,
    SCHEDULE,
    STATE,
    VERIFY,
    Envelope,
    code_of,
    envelope_of,
)
from wattledger.connectors.smartcar.errors import of_signal
from wattledger.connectors.smartcar.reading import identifier, instant, word
from wattledger.connectors.smartcar.record import Record
from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

EVENTS: Mapping[str, str] = {
    "CHARGING_STARTED": "CHARGING",
    "CHARGING_STOPPED": "NOT_CHARGING",
    "CHARGING_COMPLETED": "FULLY_CHARGED",
}
"""the state after a charging event of version 2.0"""


def read(record: Record, body: bytes, only: str | None) -> None:
    """Values of the cars it speaks of, or of one alone. Raises BadPayload."""
    envelope = envelope_of(body)
    named = envelope.vehicles()
    if envelope.test and not sabotaged("test_mode"):
        record.note("a trial from the vendor's pages; nothing was recorded")
    elif envelope.kind == VERIFY:
        record.note("a challenge; nothing was recorded")
    elif envelope.old:
        _old(record, envelope, only)
    else:
        for car in named:
            if only in (None, car):
                _car(record, envelope, car)


def _car(record: Record, envelope: Envelope, car: str) -> None:
    if envelope.kind not in (STATE, ERROR):
        record.note(f"events {envelope.kind[:40]} are not read")
        return
    record.car(car, mapping(envelope.data.get("vehicle")))
    if envelope.kind == ERROR:
        _errors(record, envelope, car)
    else:
        signals.read(record, car, rows(envelope.data.get("signals")), _stand(record, envelope))


def _stand(record: Record, envelope: Envelope) -> signals.Stand:
    """The time of delivery, for signals that may be taken to be as young as that."""
    sent, changed, timeless = envelope.delivered(record.received), envelope.changed, envelope.timeless

    def at(code: str) -> datetime | None:
        return sent if timeless or code in changed else None

    return at


def _errors(record: Record, envelope: Envelope, car: str) -> None:
    """Errors that concern what we read, at the time of delivery."""
    at = envelope.delivered(record.received) or record.received
    found: dict[str, list[str]] = {"trouble": [], "resolved": []}
    for error in map(mapping, rows(envelope.data.get("errors"))):
        named = [code_of(one) for one in rows(error.get("signals"))]
        if named and signals.READERS.keys().isdisjoint(named):
            continue
        state = word(error.get("state")) or "ERROR"
        kind = {"ERROR": "trouble", "RESOLVED": "resolved"}.get(state)
        if kind and word(error.get("type")):
            found[kind].append(of_signal(error).kind)
    for kind, words in found.items():
        if words:
            record.put(car, at, kind, ", ".join(dict.fromkeys(words[:5])))


def _old(record: Record, envelope: Envelope, only: str | None) -> None:
    for said in envelope.cars:
        car = identifier(said.get("vehicleId"))
        if car is None or only not in (None, car):
            continue
        if envelope.kind == EVENT:
            _event(record, car, said)
        elif envelope.kind == SCHEDULE:
            record.car(car, {})
            entries = (paths.entry_of(one) for one in rows(said.get("data")))
            paths.read(record, car, entries, instant(said.get("timestamp"), record.received))
    if not envelope.cars:
        raise BadPayload("The webhook names no vehicle.", "no_vehicle")


def _event(record: Record, car: str, said: Mapping[str, Any]) -> None:
    kind, at = word(said.get("eventType")), instant(said.get("eventTime"), record.received)
    if (state := EVENTS.get(kind)) is None:
        record.note(f"events {kind[:40]} are not read")
    elif at is None:
        record.note(f"{kind}: without a time; not recorded")
    else:
        record.car(car, {})
        record.put(car, at, "charging_state", state)
