"""What the answers about payloads look like, for the OpenAPI document alone (see `shapes`)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime

from wattledger.web.v1.shapes import FlowWord, Shape

State = Literal["stored", "read", "rejected", "withdrawn"]


class Rejection(Shape):
    """Rows refused for one reason; `line` is the first, 0 where the source has no lines."""

    line: int
    reason: str
    count: int
    lines: list[int]


class PointName(Shape):
    """A usage point that a file speaks of."""

    id: str
    external_id: str
    name: str


class Account(Shape):
    """What reading a file did: rows = accepted + superseded + blank + rejected. Energy in Wh."""

    rows: int
    accepted: int
    superseded: int
    blank: int
    rejected: int
    rejections: list[Rejection]
    conflicts: int
    days: int
    first_day: date | None
    last_day: date | None
    wh: dict[FlowWord, int]
    gaps: int
    estimated: int
    notes: list[str]


class Summary(Account):
    """An account with the first usage points, and how many there are."""

    points: list[PointName]
    point_count: int


class StoredSummary(Account):
    """An account as the archive keeps it; each usage point is [id, external id, name]."""

    points: list[tuple[str, str, str]]


class Unread(Shape):
    """No account yet."""


class Payload(Shape):
    """One archived payload without its bytes."""

    id: str
    connector: str
    source: Literal["poll", "webhook", "relay", "upload"]
    filename: str | None
    mime: str
    sha256: str
    size: int
    received_at: AwareDatetime
    state: State
    kind: str
    reason: str | None
    headers: dict[str, str]
    wrapped_in: list[dict[str, Any]]
    summary: StoredSummary | Unread


class Payloads(Shape):
    """Payloads, newest first; `next` is the `before` of the following page."""

    payloads: list[Payload]
    next: str | None


class Withdrawn(Payload):
    """A payload that was taken out of the ledger."""

    ok: Literal[True]


class Receipt(Shape):
    """What became of one payload."""

    id: str
    sha256: str
    size: int
    duplicate: bool
    state: State
    kind: str
    reason: str | None
    summary: Summary


class Reread(Receipt):
    """What reading a payload again did."""

    ok: Literal[True]


class FileReceipt(Receipt):
    """What became of one file."""

    filename: str


class OneUpload(FileReceipt):
    """What became of the one file that was sent: in `results`, and in short beside it."""

    ok: Literal[True]
    results: list[FileReceipt]


class Uploads(Shape):
    """What became of each file, in the order sent."""

    ok: Literal[True]
    results: list[FileReceipt]


class Erased(Shape):
    """What was deleted; `kept` are files with other homes' meters, `told` what is left to do."""

    ok: Literal[True]
    payloads: int
    bytes: int
    points: int
    connections: int
    kept: int
    told: list[str]
