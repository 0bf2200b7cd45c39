"""Bombs of ZIP and gzip, by name; `size` is what each would unfold to."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping

Make = Callable[[int], bytes]
DEEPEST = 10


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def gzipped(size: int) -> bytes:
    """gzip of so many zeros, without ever holding them."""
    pack, piece = zlib.compressobj(9, wbits=31), bytes(1 << 20)
    parts = [pack.compress(piece) for _ in range(size >> 20)]
    return b"".join([*parts, pack.flush()])


def repeated(size: int, times: int = 150) -> bytes:
    """Bytes that shrink by less than the ratio at which one is suspicious."""
    import random

    piece = random.Random(12).randbytes(200) * times
    return piece * (size // len(piece))


def layers(size: int) -> bytes:
    body = zipped({"a.csv": bytes(size)})
    for number in range(DEEPEST):
        body = zipped({f"{number}.zip": body})
    return body


def lying(declared: int) -> Make:
    """A ZIP whose member claims that size, in both headers."""

    def make(size: int) -> bytes:
        body = bytearray(zipped({"a.csv": bytes(size)}))
        at = body.find(b"PK\x01\x02")
        for place in (22, at + 24):
            body[place : place + 4] = declared.to_bytes(4, "little")
        return bytes(body)

    return make


def overlapping(size: int) -> bytes:
    """Thirty entries of the directory that all point at the same bytes."""
    body = zipped({"a.csv": repeated(size // 20)})
    at, end = body.find(b"PK\x01\x02"), body.rfind(b"PK\x05\x06")
    entry, tail, count = body[at:end], bytearray(body[end:]), 30
    tail[8:12] = count.to_bytes(2, "little") * 2
    tail[12:16] = (len(entry) * count).to_bytes(4, "little")
    return body[:at] + entry * count + bytes(tail)


def itself(size: int) -> bytes:
    """A ZIP that holds its own beginning, cut, again and again."""
    body = zipped({"a.csv": b"x"})
    for _ in range(DEEPEST):
        body = zipped({"self.zip": body, "again.zip": body})
    return body


PACKED: dict[str, Make] = {
    "ZIP of zeros": lambda size: zipped({"a.csv": bytes(size)}),
    "ZIP in ZIP": lambda size: zipped({"a.zip": zipped({"a.csv": bytes(size)})}),
    "ZIP ten layers deep": layers,
    "ZIP of ZIPs of itself": itself,
    "ZIP that says less": lying(100),
    "ZIP that says 4 GiB": lying(2**32 - 2),
    "ZIP of 20,000 members": lambda size: zipped({f"{n}.csv": b"" for n in range(20_000)}),
    "ZIP of 32 members": lambda size: zipped({f"{n}.csv": repeated(size // 20) for n in range(32)}),
    "ZIP with overlapping members": overlapping,
    "ZIP by bzip2": lambda size: zipped({"a.csv": bytes(size)}, zipfile.ZIP_BZIP2),
    "ZIP by LZMA": lambda size: zipped({"a.csv": bytes(size)}, zipfile.ZIP_LZMA),
    "ZIP of a workbook": lambda size: zipped(
        {"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": bytes(size)}
    ),
    "ZIP outside its folder": lambda size: zipped(
        {"../../../etc/cron.d/x": bytes(size), "/abs.csv": bytes(9)}
    ),
    "ZIP with a huge directory": lambda size: zipped({"n" * 60_000 + str(n): b"" for n in range(100)}),
    "gzip of zeros": gzipped,
    "gzip in gzip": lambda size: gzip.compress(gzipped(size)),
    "gzip of ZIP": lambda size: gzip.compress(zipped({"a.csv": bytes(size)})),
    "gzip of 100,000 streams": lambda size: gzip.compress(b"") * 100_000,
    "gzip below the ratio": lambda size: gzip.compress(repeated(size + (8 << 20)), 6),
    "gzip without an end": lambda size: gzipped(size)[:-9],
}
