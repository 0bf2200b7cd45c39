"""What the answer about charging sessions looks like, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from wattledger.web.v1.shapes import Shape

Method = Literal["counter", "soc", "unknown"]


class Segment(Shape):
    """A stretch of charging; `kwh` is null where it is not known."""

    start: AwareDatetime
    end: AwareDatetime
    kwh: float | None
    method: Method


class Session(Shape):
    """From plug-in to plug-out; `end` is null while it goes on, `kwh` where it is not known."""

    start: AwareDatetime
    end: AwareDatetime | None
    plugged_in: AwareDatetime | None
    plugged_out: AwareDatetime | None
    going_on: bool
    kwh: float | None
    method: Method
    """`counter`: the car's own; `soc`: derived from the state of charge"""
    place: Literal["home", "away", "unknown"]
    booked_kwh: float
    """what of it is in the car's energy, as drawn at home"""
    soc_from: float | None
    soc_to: float | None
    peak_kw: float | None
    segments: list[Segment]
    evidence: list[str]


class Sessions(Shape):
    """Charging sessions, oldest first."""

    unit: Literal["kWh"]
    timezone: str
    sessions: list[Session]


class Calendar(Shape):
    """A calendar's address; whoever has it can read the feed."""

    address: str
