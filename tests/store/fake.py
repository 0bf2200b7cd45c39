"""A parser of a toy format, so that the store is tested without any vendor.

Body: JSON {"points": [{"id", "tz"}], "blocks": [{"p", "flow", "day", "rev", "line", "wh": [], "fl": []}],
...} with null for a slot that the file leaves blank.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from wattledger.clock import SystemClock
from wattledger.errors import BadPayload
from wattledger.model import (
    NO_REVISION,
    EnergyDays,
    Flow,
    Observation,
    Parsed,
    Payload,
    PointKind,
    Source,
    UsagePoint,
)

RECEIVED = datetime(2025, 6, 1, 12, tzinfo=UTC)
CHICAGO = "America/Chicago"


class StillClock(SystemClock):
    """A clock that stands at RECEIVED until a test moves it."""

    def __init__(self) -> None:
        self.at = RECEIVED

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


def block(
    day: int,
    wh: Sequence[int | None],
    *,
    p: int = 0,
    flow: int = Flow.DELIVERED,
    rev: int | None = None,
    fl: Sequence[int] | None = None,
    line: int = 0,
) -> dict[str, Any]:
    """One block of the toy format."""
    return {
        "p": p,
        "flow": int(flow),
        "day": day,
        "rev": rev,
        "wh": list(wh),
        "fl": list(fl or ()),
        "line": line,
    }


def file(
    *blocks: dict[str, Any],
    points: Sequence[str] = ("10443720001234567",),
    source: Source = Source.RELAY,
    tz: str = CHICAGO,
    connector: str = "toy",
    name: str = "toy.json",
    received_at: datetime = RECEIVED,
    private: bool = False,
    **more: Any,
) -> Payload:
    """A payload of the toy format; `kind` among `more` is that of its usage points."""
    said = {"points": [{"id": p, "tz": tz} for p in points], "blocks": blocks, **more}
    body = json.dumps(said).encode()
    return Payload(connector, source, body, received_at, name, "application/json", private=private)


def parse(payload: Payload) -> Parsed:
    """Reads the toy format. Raises BadPayload for what is no JSON, RuntimeError for `{"crash": 1}`."""
    try:
        said = json.loads(payload.body)
    except ValueError:
        raise BadPayload("This is no toy file.") from None
    if "crash" in said:
        raise RuntimeError("the parser has a bug")
    days = EnergyDays.empty(len(said["blocks"]))
    rows = 0
    for i, b in enumerate(said["blocks"]):
        days.point[i], days.flow[i], days.day[i] = b["p"], b["flow"], b["day"]
        days.revision[i] = NO_REVISION if b["rev"] is None else b["rev"]
        days.line[i] = b["line"]
        rows += len(b["wh"])
        for slot, wh in enumerate(b["wh"]):
            if wh is not None:
                days.values[i, slot] = wh
                days.flags[i, slot] = b["fl"][slot] if b["fl"] else 0
    about = said.get("details", {})
    kind = PointKind(said.get("kind", "meter"))
    points = [UsagePoint(kind, p["id"], p["id"], p["tz"], about) for p in said["points"]]
    seen = [
        Observation(o.get("p", 0), datetime.fromisoformat(o["at"]), o["values"], o.get("private", {}))
        for o in said.get("observations", ())
    ]
    known = int((days.values != np.iinfo(np.int32).min).sum())
    return Parsed(points, days, seen, rows=rows, blank=rows - known, notes=said.get("notes", []))
