"""A stored file as a download: always an attachment, never shown or run by a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import StreamingResponse

from wattledger.store.rows import PayloadRow

CHUNK = 1 << 18
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def disposition(filename: str) -> str:
    """`attachment` with an ASCII name and the whole name by RFC 6266; no path, no control characters."""
    base = re.split(r"[/\\]", filename)[-1].strip() or "file"
    base = "".join(c for c in base if c.isprintable())[:200] or "file"
    plain = _PLAIN.sub("_", base).strip(" .") or "file"
    coded = quote(base.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"


def attachment(row: PayloadRow, body: bytes) -> StreamingResponse:
    """The archived bytes, in chunks, exactly as they were received."""
    return StreamingResponse(
        _chunks(body),
        media_type="application/octet-stream",
        headers={
            "content-length": str(len(body)),
            "content-disposition": disposition(row.filename or f"payload-{row.id}"),
            "content-security-policy": "default-src 'none'; sandbox",
            "x-raw-smt-id": str(row.id),
            "x-sha256": row.sha256,
        },
    )


def _chunks(body: bytes) -> Iterator[bytes]:
    view = memoryview(body)
    for at in range(0, len(view), CHUNK):
        yield bytes(view[at : at + CHUNK])
