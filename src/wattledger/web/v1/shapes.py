"""What the answers of /v1 look like, for the OpenAPI document alone: answers are written without them."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

FlowWord = Literal["delivered", "received"]
Quality = Literal["actual", "estimated", "derived", "mixed", "missing"]
Verdict = Literal[
    "baseline", "duplicate", "late", "ok", "gap", "delta>counter", "delta",
    "suspect", "healed", "reset", "rollback", "implausible", "rebased", "unusable",
    "parked", "plugged in", "begin", "charging", "resumed", "end", "unplugged", "moved",
]  # fmt: skip


class Shape(BaseModel):
    """An object of an answer, with every key that it may have."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why nothing was done: a code for programs and a sentence for people."""

    ok: Literal[False]
    error: str
    message: str
    field: str | None = None
    incident: str | None = None


class Done(Shape):
    """It was done."""

    ok: Literal[True]
    message: str | None = None


class Coverage(Shape):
    """What is known between the first and the last local day."""

    first_day: date | None
    last_day: date | None
    found: int
    expected: int
    estimated: int
    total_kwh: float
    newest: AwareDatetime | None


class UsagePoint(Shape):
    """Where energy is measured."""

    id: str
    kind: Literal["meter", "vehicle", "appliance"]
    external_id: str
    name: str
    timezone: str
    connector: str
    details: dict[str, str]
    created_at: AwareDatetime
    coverage: Coverage


class UsagePointByFlow(UsagePoint):
    """A usage point with its coverage by flow."""

    flows: dict[FlowWord, Coverage]


class UsagePoints(Shape):
    """A site's usage points."""

    usage_points: list[UsagePoint]


class EnergyValue(Shape):
    """Energy of [start, end); `kwh` is null where nothing is known."""

    start: AwareDatetime
    end: AwareDatetime
    kwh: float | None
    quality: Quality
    found: int
    expected: int


class EnergySeries(Shape):
    """Energy of one flow of one usage point."""

    unit: Literal["kWh"]
    flow: FlowWord
    by: Literal["interval", "hour", "day", "month"]
    timezone: str
    points: list[EnergyValue]


class BalancePart(Shape):
    """A usage point that is part of the equation, and what is counted inside it."""

    id: str
    name: str
    kind: Literal["meter", "vehicle", "appliance"]
    inside: list[BalancePart]


class BalanceStep(Shape):
    """[start, end) in kWh: meter = used of the parts while it was known + rest; null: unknown."""

    start: AwareDatetime
    end: AwareDatetime
    meter: float | None
    sent: float | None
    used: dict[str, float | None]
    rest: float | None
    over: float
    outside: float
    found: int
    expected: int
    guessed: int


class Balance(Shape):
    """A site's equation by steps."""

    unit: Literal["kWh"]
    by: Literal["interval", "hour", "day", "month"]
    timezone: str
    parts: list[BalancePart]
    points: list[BalanceStep]


class Gap(Shape):
    """A run of quarter-hours without a reading."""

    start: AwareDatetime
    end: AwareDatetime
    slots: int
    first_day: date
    last_day: date


class Gaps(Shape):
    """Everything that is missing."""

    flow: FlowWord
    timezone: str
    gaps: list[Gap]


class Said(Shape):
    """One value that a payload gave for a quarter-hour."""

    kwh: float
    quality: Quality
    revision: AwareDatetime | None
    payload: str


class Revision(Shape):
    """A quarter-hour for which several values were delivered."""

    start: AwareDatetime
    losing: Said
    winning: Said | None
    conflict: bool


class Revisions(Shape):
    """Every reading that was overruled."""

    unit: Literal["kWh"]
    flow: FlowWord
    timezone: str
    revisions: list[Revision]


class Observation(Shape):
    """What a device said at one moment."""

    at: AwareDatetime
    values: dict[str, str | float | int | bool | None]
    payload: str
    verdict: Verdict | None = None
    """of the accounting rule, where the device reports a register or is a car"""
    booked_wh: str | None = None
    """decimal text: what the report added to the energy"""


class Observations(Shape):
    """What a device said, oldest first."""

    observations: list[Observation]


class Days(Shape):
    """Local days, both included."""

    start: date
    end: date


class Backfill(Shape):
    """What the relay was asked for, and what it said."""

    ok: Literal[True]
    asked: bool
    message: str
    days: list[Days]
    gaps: list[Gap]
    relay: list[Any]


class Place(Shape):
    """A site."""

    id: str
    name: str
    timezone: str


class Me(Shape):
    """Who is signed in."""

    email: str
    role: str
    via: str
    site: Place


class Token(Shape):
    """An API token without its word."""

    id: str
    name: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None
    revoked_at: AwareDatetime | None


class Tokens(Shape):
    """A person's API tokens."""

    tokens: list[Token]


class MadeToken(Shape):
    """A new API token, shown once."""

    token: str
    name: str
    token_type: Literal["bearer"]
