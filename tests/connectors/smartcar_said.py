"""What one payload of Smartcar's says, flat, for tests about one car."""

from __future__ import annotations

from typing import Any

from wattledger.connectors.smartcar import CONNECTOR
from wattledger.model import Parsed, Payload


def read(payload: Payload) -> Parsed:
    """Parsed, with what holds for every one checked."""
    parsed = CONNECTOR.parse(payload)
    assert len({(o.point, o.at) for o in parsed.observations}) == len(parsed.observations)
    for o in parsed.observations:
        assert 0 <= o.point < len(parsed.points)
        assert not {"latitude", "longitude"} & o.values.keys()
        assert set(o.private) in (set(), {"latitude", "longitude"})
        assert o.values or o.private
        assert o.at.tzinfo is not None
    return parsed


def said(payload: Payload) -> dict[str, Any]:
    """Every value by name; fails where a name was said at two instants."""
    found: dict[str, Any] = {}
    for o in read(payload).observations:
        for name, value in {**o.values, **o.private}.items():
            assert name not in found, f"{name} was said twice"
            found[name] = value
    return found


def notes(payload: Payload) -> str:
    """All notes in one text."""
    return "\n".join(read(payload).notes)
