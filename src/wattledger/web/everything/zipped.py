"""A ZIP that is sent while it is made: no more of it is in memory than one piece."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from wattledger.threads import SHORT, done

PIECE = 1 << 18
LEVEL = 3
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class _Pipe(io.RawIOBase):
    """Takes what the ZIP writes until it is fetched."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        """All that was written since."""
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


class Zipped:
    """Members one after the other, then `end`. Each answers the bytes to be sent."""

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._zip = ZipFile(self._pipe, "w", ZIP_DEFLATED, compresslevel=LEVEL)

    async def add(self, name: str, at: datetime, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """One member, dated in UTC; compressed in a thread, a piece at a time."""
        when = at.astimezone(UTC)
        info = ZipInfo(name, max(_EARLIEST, when.timetuple()[:6]))
        info.compress_type = ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as member:
            async for part in parts:
                for begin in range(0, len(part), PIECE):
                    piece = memoryview(part)[begin : begin + PIECE]
                    await done(len(piece) < SHORT, member.write, piece)
                    if sent := self._pipe.take():
                        yield sent
        yield self._pipe.take()

    def end(self) -> bytes:
        """The directory of the ZIP."""
        self._zip.close()
        return self._pipe.take()


async def whole(data: bytes) -> AsyncIterator[bytes]:
    """One part."""
    yield data


def safe(name: str) -> str:
    """A file name that is one in any folder: no path, nothing but plain letters."""
    base = re.split(r"[/\\]", name)[-1]
    return _PLAIN.sub("_", base).strip("._")[-100:] or "file"
