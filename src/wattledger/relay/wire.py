"""A spooled payload as the hub's inline message, and back: the receipt that must match what was sent."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from wattledger.connectors.dispatch import Receipt
from wattledger.errors import TryLater
from wattledger.faults import sabotaged
from wattledger.relay.item import Item

INLINE = 8 << 20
"""bytes; a larger file goes as a stream"""
LONGEST_NAME = 255
MIMES = {".csv": "text/csv", ".json": "application/json", ".xml": "application/xml", ".txt": "text/plain"}
OCTETS = "application/octet-stream"


class ReceiptMismatch(TryLater):
    """The hub confirmed something else than what was sent: nothing is taken as delivered."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One payload and its labels, ready to be sent."""

    item: Item
    body: bytes

    @property
    def labels(self) -> dict[str, str]:
        name = plain_name(self.item.name)
        return {
            "filename": name,
            "mime": mime_of(name, self.body),
            "captured_at": datetime.fromtimestamp(self.item.mtime, UTC).isoformat().replace("+00:00", "Z"),
            "source": self.item.source,
        }

    @property
    def layers(self) -> list[dict[str, str]]:
        return [{**layer, "name": plain_name(layer["name"])} for layer in self.item.wrapped_in]

    def inline(self) -> bytes:
        """The JSON body; gzip only where that makes it smaller. Slow for large bodies: run it in a thread."""
        packed = gzip.compress(self.body, 1, mtime=0)
        smaller = len(packed) < len(self.body)
        message: dict[str, Any] = {
            **self.labels,
            "encoding": "base64+gzip" if smaller else "base64",
            "content_b64": base64.b64encode(packed if smaller else self.body).decode(),
            "sizeBytes": len(self.body),
            "wrapped_in": self.layers,
        }
        return orjson.dumps({**message, "compressedBytes": len(packed)} if smaller else message)

    def query(self) -> str:
        """The same labels for the streaming route."""
        return urlencode({**self.labels, "wrapped_in": orjson.dumps(self.layers).decode()})


def check_receipt(answer: object, item: Item) -> Receipt:
    """The hub's receipt. Raises ReceiptMismatch unless digest and size are those of the sent bytes."""
    found: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
    said = found.get("sha256"), found.get("sizeBytes")
    kept = found.get("persisted") is True or found.get("duplicate") is True
    if not sabotaged("receipt_check") and (said != (item.sha256, item.size) or not kept):
        raise ReceiptMismatch(
            f"The hub's receipt for {item.name} does not match what was sent (sha256 and size must be echoed "
            "and the file persisted). It is kept and sent again; check what answers at INTELLIWATT_BASE_URL."
        )
    return Receipt(str(found.get("id", "")), item.sha256, item.size, found.get("duplicate") is True)


def plain_name(name: str) -> str:
    """A name without control characters, at most 255 long; names are labels, never paths."""
    return (
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[:LONGEST_NAME]
        or "unnamed"
    )


def mime_of(name: str, body: bytes) -> str:
    """The media type by the name's ending, octets where the content contradicts text."""
    if b"\0" in body[:4096]:
        return OCTETS
    return MIMES.get("." + name.rpartition(".")[2].lower(), "text/plain" if body else OCTETS)
