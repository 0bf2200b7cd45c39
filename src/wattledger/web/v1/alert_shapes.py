"""What the answer about alerts looks like, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from wattledger.insight.alerts import Kind
from wattledger.web.v1.shapes import Shape


class Alert(Shape):
    """Something that needs a person; `closed_at` is null while it does. `link` is a page of this hub."""

    id: str
    kind: Kind
    subject: str
    level: Literal["caution", "bad"]
    title: str
    text: str
    todo: str
    link: str
    since: AwareDatetime
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    muted: bool


class Alerts(Shape):
    """The open ones, the worst first, or those that closed last."""

    alerts: list[Alert]
