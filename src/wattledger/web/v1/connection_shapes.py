"""What the answers about connections look like, for the OpenAPI document alone (see `shapes`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime

from wattledger.web.v1.archive_shapes import State
from wattledger.web.v1.shapes import Shape


class Connection(Shape):
    """A link to a vendor."""

    id: str
    connector: str
    state: str
    last_success: AwareDatetime | None
    last_error: str | None
    next_poll_at: AwareDatetime | None
    last_asked: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    warning: str | None = None


class Relay(Shape):
    """A relay and its last cycle."""

    name: str
    state: str
    last_seen: AwareDatetime
    age_seconds: int
    line: dict[str, Any]


class Connections(Shape):
    """A site's connections, and the relays."""

    connections: list[Connection]
    relays: list[Relay]


class Connected(Shape):
    """A connection that a pasted token made; `warning` where the token could not be tried."""

    ok: Literal[True]
    connection: Connection
    warning: str | None = None


class Consent(Shape):
    """Where the browser goes to sign in at the vendor."""

    url: str


class ConsentFirst(Consent):
    """Nothing is connected before the owner has consented there."""

    ok: Literal[True]


class Came(Shape):
    """One answer of the vendor as it was archived."""

    id: str
    filename: str | None
    size: int
    kind: str
    state: State


class Polled(Shape):
    """How a collection went and what came; `message` says what went wrong."""

    ok: bool
    message: str | None
    connection: Connection
    payloads: list[Came]
