"""Server-sent events: frames out of the pieces of a stream, each of bounded size."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

MOST = 256 * 1024
"""bytes of one frame"""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its name (empty where it has none), and its data lines joined by line feeds."""

    event: str
    data: bytes


class Heard:
    """Which frames of which streams were taken already; past `most` the oldest are forgotten."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, frame: tuple[str, bytes]) -> bool:
        return _key(frame) in self._known and not sabotaged("heard_frames")

    def add(self, frame: tuple[str, bytes]) -> None:
        """Remember the data of a stream's frame."""
        self._known[_key(frame)] = None
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def _key(frame: tuple[str, bytes]) -> bytes:
    stream, data = frame
    return hashlib.sha256(stream.encode() + b"\n" + data).digest()


async def frames(pieces: AsyncIterable[bytes], most: int = MOST) -> AsyncGenerator[Frame]:
    """Complete frames that carry data; comments and a last half frame are dropped.

    Raises BadPayload for a frame larger than `most` bytes.
    """
    rest, event, data, size = b"", "", list[bytes](), 0
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in (line.removesuffix(b"\r") for line in lines):
            size += len(line)
            name, _, value = line.partition(b":")
            if not line:
                if data:
                    yield Frame(event, b"\n".join(data))
                event, data, size = "", [], 0
            elif name == b"data":
                data.append(value.removeprefix(b" "))
            elif name == b"event":
                event = value.strip().decode("ascii", "replace")
            _check(size, most)
        _check(size + len(rest), most)


def _check(size: int, most: int) -> None:
    if size > most and not sabotaged("frame_cap"):
        raise BadPayload(f"An event is larger than {most // 1024} KiB; the stream was left.", "too_large")
