"""The registry: a vendor folder with a `CONNECTOR` is a connector. The only place that looks into them."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from wattledger.connectors.base import Connector, Recognises
from wattledger.errors import NotFound
from wattledger.model import Parsed, Payload

HEAD = 64 * 1024


@cache
def names() -> tuple[str, ...]:
    """Every connector's name, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg))


@cache
def connector(name: str) -> Connector:
    """The connector of that name. Raises NotFound, naming those that exist."""
    if name not in names():
        raise NotFound(f"There is no connector {name!r}; there are: {', '.join(names())}.")
    found = import_module(f"{__name__}.{name}").CONNECTOR
    assert isinstance(found, Connector)
    return found


def recognise(body: bytes) -> str | None:
    """The name of the connector whose file this is, by its content; None where nobody knows it."""
    head = body[:HEAD]
    for name in names():
        candidate = connector(name)
        if isinstance(candidate, Recognises) and candidate.recognises(head):
            return name
    return None


def parse(payload: Payload) -> Parsed:
    """What a payload says, read by its own connector. Pure; raises BadPayload."""
    return connector(payload.connector).parse(payload)
