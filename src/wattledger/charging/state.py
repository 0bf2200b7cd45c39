"""What is remembered between two observations, as JSON and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from wattledger.accounting import Booking, Level
from wattledger.charging.words import State

_PLAIN = (bool, int, str, type(None))


def dump(state: State) -> dict[str, Any]:
    """As JSON, without what is as at first; Wh stay decimal texts."""
    first = State()
    values = {field.name: getattr(state, field.name) for field in fields(State)}
    return {name: _text(value) for name, value in values.items() if value != getattr(first, name)}


def load(stored: Mapping[str, Any]) -> State:
    """Back from JSON; an empty object is the state before the first observation."""
    return State(**{name: _value(value) for name, value in stored.items()})


def earliest(state: State) -> datetime | None:
    """No later booking begins before this, none so far ends after it; None before all observations."""
    known = [state.since, *(booking.start for booking in state.held[:1])]
    if state.open and not state.charged:
        known.append(state.first_at)
    return min((when for when in known if when is not None), default=state.at)


def _text(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, Level):
        return {"n": str(value.wh), "at": value.at.isoformat()}
    return [[b.start.isoformat(), b.end.isoformat(), str(b.wh), b.derived] for b in value]


def _value(stored: Any) -> Any:
    if isinstance(stored, list):
        return tuple(Booking(_instant(a), _instant(b), Decimal(wh), derived) for a, b, wh, derived in stored)
    if not isinstance(stored, dict):
        return stored
    if "n" not in stored:
        return _instant(stored["at"])
    number = Decimal(stored["n"])
    return Level(number, _instant(stored["at"])) if "at" in stored else number


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
