"""What accounting must remember of a usage point, as JSON and back; the newest value of each name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from wattledger.accounting import Level, State

Latest = dict[str, list[Any]]
"""name -> [value, instant as ISO text in UTC, payload]"""


def dump(state: State) -> dict[str, Any]:
    """As JSON; Wh stay decimal texts."""
    return {
        "end": _text(state.end),
        "last": _level(state.last),
        "covered": _text(state.covered),
        "low": _level(state.low),
        "high": _level(state.high),
        "register": state.register,
        "booked": str(state.booked),
    }


def load(stored: Mapping[str, Any]) -> State:
    """Back from JSON; an empty object is the state before the first report."""
    if not stored:
        return State()
    return State(
        _instant(stored["end"]),
        _read(stored["last"]),
        _instant(stored["covered"]),
        _read(stored["low"]),
        _read(stored["high"]),
        stored["register"],
        Decimal(stored["booked"]),
    )


def learn(latest: Latest, at: datetime, payload: int, values: Mapping[str, Any]) -> None:
    """Take in an observation: of each name the newest instant holds, of equal ones the newest payload.

    ISO texts of UTC sort as their instants, with and without a fraction.
    """
    when = at.astimezone(UTC).isoformat()
    for name, value in values.items():
        known = latest.get(name)
        if known is None or (known[1], known[2]) <= (when, payload):
            latest[name] = [value, when, payload]


def _text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()


def _instant(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text)


def _level(level: Level | None) -> list[str] | None:
    return None if level is None else [str(level.wh), level.at.isoformat()]


def _read(stored: list[str] | None) -> Level | None:
    return None if stored is None else Level(Decimal(stored[0]), datetime.fromisoformat(stored[1]))
