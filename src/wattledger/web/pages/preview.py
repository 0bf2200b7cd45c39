"""The first lines of a raw file as text, for a page; nothing in them is run or followed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from wattledger.store import Store
from wattledger.store.rows import PayloadRow

MOST_BYTES = 8 << 20
"""of a file whose first lines are shown: a greater one is downloaded instead"""
LINES, WIDTH = 20, 240
PACKED = {b"PK\x03\x04": "a ZIP", b"\x1f\x8b": "gzip", b"-----BEGIN PGP": "PGP-encrypted"}
_HIDING = ("Cc", "Cf", "Co", "Cs")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page shows of a file: `text`, or why there is none; `private` is shown on demand alone."""

    text: str | None = None
    why: str | None = None
    private: bool = False
    more: bool = False


async def preview(store: Store, row: PayloadRow, private_too: bool) -> Preview:
    """The first lines; of a sealed file only where the caller may and wants to see it. Raises our errors."""
    if row.size > MOST_BYTES:
        return Preview(why="This file is too large to show here; download it.")
    body, private = await store.bodies.fetch(row.sha256)
    if private and not private_too:
        return Preview(private=True)
    return shown(body)


def shown(body: bytes) -> Preview:
    """The first lines of some bytes, or what they are instead of text."""
    if not body:
        return Preview(why="This file is empty.")
    kind = next((name for head, name in PACKED.items() if body.startswith(head)), None)
    if kind is not None:
        return Preview(why=f"This file is {kind}; download it to look inside.")
    head = body[: LINES * WIDTH * 4]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "replace")
    elif b"\0" in head:
        return Preview(why="This file is not text; download it to look inside.")
    else:
        text = head.decode("utf-8-sig", "replace")
    lines = text.splitlines()
    kept = [plain(line) for line in lines[:LINES]]
    return Preview("\n".join(kept), more=len(lines) > LINES or len(head) < len(body))


def plain(line: str) -> str:
    """A line without characters that hide, reorder or end anything, and not endless."""
    seen = "".join(" " if c == "\t" else "\ufffd" if unicodedata.category(c) in _HIDING else c for c in line)
    return f"{seen[:WIDTH]}…" if len(seen) > WIDTH else seen
