"""Lines of the fixed layout, taken apart with 8-byte words read at any address (see `layout`).

offset from `times`:  -50 prefix ... -1 ','   0 '00:00,00:15,'   12 kWh ... ',A,Consumption' line end
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattledger.model import Flag, Flow
from wattledger.units import MAX_WH

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_PAD = 128
_LINE_END, _CR, _COMMA = 10, 13, 44
_FIRST_COMMA = (18, 23, 17, 22)
"""where the first comma stands: ESIIDs of 17 or 22 digits, with or without the apostrophe"""
_AFTER_FIRST_COMMA = 32
_CONSUMPTION, _SURPLUS = 14, 21
"""lengths of `,A,Consumption` and `,A,Surplus Generation`"""


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


_LETTER = _word(b"\0\xff")
_ALL = np.uint64(2**64 - 1)
_ONES, _HIGHS = _word(b"\x01" * 8), _word(b"\x80" * 8)
_DOTS, _ZEROS, _SIXES = _word(b"." * 8), _word(b"0" * 8), _word(b"\x06" * 8)
_ZERO = _word(b"0")
_NIBBLE = _word(b"\xf0" * 8)
_EIGHT, _SIXTEEN, _THIRTY_TWO, _ONE = np.uint64(8), np.uint64(16), np.uint64(32), np.uint64(1)
_TO_WH = np.array([1000, 100, 10, 1, 0, 0, 0, 0, 0], np.uint64)
_MIX = np.array([3**k * 0x9E3779B97F4A7C15 % 2**64 | 1 for k in range(7)], np.uint64)
"""odd factors for hashing a prefix"""
LABEL = np.uint64(2**48 - 1)
"""the six bytes of a time label with its comma"""


class Window:
    """A stretch of the file with room around it, so that words may be read past its edges."""

    def __init__(self, body: bytes, begin: int, end: int) -> None:
        if end < len(body):
            last = body.rfind(b"\n", begin, end)
            end = last + 1 if last >= 0 else (body.find(b"\n", end) + 1 or len(body))
        self.begin, self.end = begin, end
        if begin >= _PAD and end + _PAD <= len(body):
            self.bytes = np.frombuffer(body, np.uint8, end - begin + 2 * _PAD, begin - _PAD)
        else:
            tail = b"" if body[end - 1 : end] == b"\n" else b"\n"
            self.bytes = np.frombuffer(bytes(_PAD) + body[begin:end] + tail + bytes(_PAD), np.uint8)
        n = len(self.bytes)
        self.words: Words = np.ndarray(n - 7, "<u8", self.bytes, strides=(1,))
        self.blocks = np.ndarray(n - 63, "V64", self.bytes, strides=(1,))

    def text(self, begin: int, end: int) -> bytes:
        """The bytes between two offsets of the window."""
        return self.bytes[begin:end].tobytes()

    def line_ends(self) -> Ints:
        """Offsets of all line ends. Eight bytes at a time; two in one word are found one by one."""
        inner = self.bytes[_PAD : len(self.bytes) - _PAD]
        hits = inner == _LINE_END
        whole = len(hits) & ~7
        eights = hits[:whole].view("<u8")
        at = np.flatnonzero(eights != 0)
        found = eights[at]
        if (found & (found - _ONE)).any():
            return np.flatnonzero(hits) + _PAD
        ends = (at << 3) + (np.bitwise_count(found - _ONE) >> 3) + _PAD
        return np.concatenate([ends, np.flatnonzero(hits[whole:]) + (whole + _PAD)])


@dataclass(slots=True)
class Lines:
    """n lines of a window; only where `good` do the decoded columns mean anything."""

    start: Ints
    stop: Ints
    """n: offset of the line end"""
    times: Ints
    """n: offset behind the prefix"""
    begins: Words
    """n: START label as six bytes"""
    ends: Words
    """n: END label as six bytes"""
    fresh: Bools
    """n: prefix differs from the line before"""
    wh: NDArray[np.int32]
    flag: NDArray[np.uint8]
    flow: NDArray[np.int8]
    good: Bools
    head_words: Words
    """n x 8: the 64 bytes from 50 before `times`"""

    def prefixes(self) -> tuple[Ints, Ints]:
        """A line of each prefix, and the number of each line's prefix among these.

        Where the rows of many meters are dealt out in turn, equal prefixes are found by their hash.
        """
        begins = np.flatnonzero(self.fresh)
        if len(begins) * 8 < len(self.fresh):
            return begins, np.cumsum(self.fresh) - 1
        whole = self.head_words[:, :7].copy()
        whole[:, 6] &= np.uint64(0xFFFF)
        keys = (whole * _MIX).sum(1, dtype=np.uint64) + (self.times - self.start).astype(np.uint64)
        _, begins, prefix_of = np.unique(keys, return_index=True, return_inverse=True)
        if (whole == whole[begins][prefix_of]).all() and (self.times - self.start == 50).all():
            return begins, prefix_of
        return np.arange(len(keys)), np.arange(len(keys))

    def head(self, n: int) -> Lines:
        """The first n lines."""
        return Lines(*(getattr(self, name)[:n] for name in self.__slots__))


def lines(window: Window) -> Lines:
    """All lines of a window, checked against the layout and decoded."""
    stop = window.line_ends()
    start = np.concatenate([[_PAD], stop[:-1] + 1])
    text_end = stop - (window.bytes[stop - 1] == _CR)
    times, good = _behind_prefix(window, start)
    head = window.blocks[np.minimum(times - 50, len(window.blocks) - 1)].view("<u8").reshape(-1, 8)
    begins, ends = head[:, 6] >> _SIXTEEN, head[:, 7] & LABEL
    tail, letter, flow, fits = _tails(window, text_end)
    good &= fits
    kwh_end = text_end - tail
    wh, digits = _watt_hours(window.words[np.maximum(kwh_end - 8, 0)], kwh_end - times - 12)
    good &= digits
    flag = np.where(letter == ord("E"), np.uint8(Flag.ESTIMATED), np.uint8(Flag.ACTUAL))
    fresh = _fresh(window, head, start, times)
    return Lines(start, stop, times, begins, ends, fresh, wh, flag, flow, good, head)


def _behind_prefix(window: Window, start: Ints) -> tuple[Ints, Bools]:
    """Where each line's times begin, and whether its ESIID has a known width."""
    known = window.bytes[start + _FIRST_COMMA[0]] == _COMMA
    first: Ints = np.full(len(start), _FIRST_COMMA[0], np.int64)
    for width in _FIRST_COMMA[1:]:
        if known.all():
            break
        here = ~known & (window.bytes[start + width] == _COMMA)
        first[here] = width
        known |= here
    return start + first + _AFTER_FIRST_COMMA, known


def _fresh(window: Window, head: Words, start: Ints, times: Ints) -> Bools:
    """Whether each line's prefix differs from that of the line before."""
    same = (head[1:, 6] & np.uint64(0xFFFF)) == (head[:-1, 6] & np.uint64(0xFFFF))
    for column in range(6):
        same &= head[1:, column] == head[:-1, column]
    width = times - start
    if len(width) and (width != 50).any():
        first = window.words[start]
        same &= (first[1:] == first[:-1]) & (width[1:] == width[:-1])
    return np.concatenate([np.ones(min(len(start), 1), bool), ~same])


def _tails(window: Window, text_end: Ints) -> tuple[Ints, Words, NDArray[np.int8], Bools]:
    """Length of each tail, its letter, its flow, and whether it is one of the two known tails."""
    last = window.words[text_end - 8]
    consumption = last == _word(b"sumption")
    length: Ints = np.where(consumption, _CONSUMPTION, _SURPLUS)
    opening = window.words[text_end - length]
    letter = (opening & _LETTER) >> _EIGHT
    rest = opening & ~_LETTER
    fits = consumption & (rest == _word(b",\0,Consu"))
    flow = np.where(consumption, np.int8(Flow.DELIVERED), np.int8(Flow.RECEIVED))
    if not consumption.all():
        surplus = (last == _word(b"neration")) & (window.words[text_end - 16] == _word(b"rplus Ge"))
        fits |= surplus & (rest == _word(b",\0,Surpl"))
    fits &= (letter == ord("A")) | (letter == ord("E"))
    return length, letter, flow, fits


def _watt_hours(raw: Words, length: Ints) -> tuple[NDArray[np.int32], Bools]:
    """Wh of the kWh texts that end each word and are `length` bytes long; whether each is such a text.

    The dot is taken out, the digits are added up pairwise within the word (2, then 4, then 8 at a time).
    """
    good = (length >= 1) & (length <= 8)
    unused = ((8 - np.clip(length, 1, 8)) << 3).astype(np.uint64)
    text = ((raw >> unused) << unused) | (_ZEROS & ~(_ALL << unused))
    marks = text ^ _DOTS
    marks = (marks - _ONES) & ~marks & _HIGHS
    dot = marks & (~marks + _ONE)
    up_to_dot = (dot << _ONE) - _ONE
    behind = ~up_to_dot
    digits = np.where(marks == 0, text, (text & behind) | ((text & (up_to_dot >> _EIGHT)) << _EIGHT) | _ZERO)
    decimals = np.where(marks == 0, 0, np.bitwise_count(behind) >> 3)
    good &= ((digits & _NIBBLE) == _ZEROS) & (((digits + _SIXES) & _NIBBLE) == _ZEROS)
    good &= (decimals <= 3) & ((marks == 0) | (length > 1))
    value = ((digits & ~_NIBBLE) * np.uint64(2561)) >> _EIGHT
    value = ((value & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> _SIXTEEN
    value = ((value & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> _THIRTY_TWO
    wh = value * _TO_WH[decimals]
    good &= wh <= MAX_WH
    return wh.astype(np.int32), good
