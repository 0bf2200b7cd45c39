"""A text in pieces of about 8 MiB, whole lines each, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

PIECE = 8 * 1024 * 1024
LONGEST, SHORTEST = 4096, 16
"""bounds of any row's length; a longer line is refused, a shorter one looked at closely"""

MOST_IDLE = 1 << 20
"""lines that are no readings: as many as a sheet of Excel has rows, which saves empty ones too"""

Ints = NDArray[np.int64]
_QUOTE, _COMMA, _NINE, _CR = ord('"'), ord(","), ord("9"), ord("\r")


class Piece:
    """Some lines of a text; `line` is the number of the first."""

    def __init__(self, text: bytes, line: int) -> None:
        self.text, self.line = text, line
        self._bytes = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(self._bytes == 10)
        if not text.endswith(b"\n"):
            ends = np.append(ends, len(text))
        self.starts: Ints = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        self.ends: Ints = ends - ((self._bytes[np.maximum(ends - 1, 0)] == _CR) & (ends > self.starts))
        self._first = self._bytes[np.minimum(self.starts, len(text) - 1)]
        self._quoted = b'"' in text
        self._commas: Ints | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def at(self, k: int) -> bytes:
        """The k-th line."""
        return self.text[self.starts[k] : self.ends[k]]

    def numbers(self, begin: int, end: int) -> Ints:
        """The line numbers of a span."""
        return np.arange(begin, end) + self.line

    def even(self, begin: int, end: int, width: int) -> bool:
        """Whether each line of a span is a plain row of `width` fields that begins with a sign of its own."""
        length = self.ends[begin:end] - self.starts[begin:end]
        first = self._first[begin:end]
        if self._quoted or (length < SHORTEST).any() or (length > LONGEST).any():
            return False
        if (first <= 32).any() or (first == _COMMA).any() or (first > 126).any():
            return False
        return bool((self._counts()[begin:end] == width - 1).all())

    def short(self) -> int:
        """How many lines are too short for a reading."""
        return int(np.count_nonzero(self.ends - self.starts < SHORTEST))

    def _counts(self) -> Ints:
        """Commas of each line."""
        if self._commas is None:
            at = np.flatnonzero(self._bytes == _COMMA)
            self._commas = np.searchsorted(at, self.ends) - np.searchsorted(at, self.starts)
        return self._commas

    def wordy(self) -> list[int]:
        """Lines that begin with no digit or apostrophe: among them is every header."""
        first = self._first
        return np.flatnonzero((first > _NINE) | (first <= 32) | (first == _QUOTE)).tolist()


def tedious() -> BadPayload:
    """The refusal of a file that is made to cost time."""
    return BadPayload(
        f"More than {MOST_IDLE:,} lines are no readings, or the columns change over and over; no meter file "
        "is like that, and it was not read further.",
        "bomb",
    )


def pieces(text: bytes) -> Iterator[Piece]:
    """The whole text. Lines end with LF or CRLF; a CR alone counts as a line end too."""
    at, line = 0, 1
    while at < len(text):
        end = text.find(b"\n", min(at + PIECE, len(text)))
        end = len(text) if end < 0 else end + 1
        part = text[at:end]
        if part.count(b"\r") != part.count(b"\r\n"):
            part = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if part.count(b"\n") > MOST_IDLE and not sabotaged("idle_lines"):
            raise tedious()  # of so many lines in so few bytes most are empty
        piece = Piece(part, line)
        yield piece
        at, line = end, line + len(piece)
