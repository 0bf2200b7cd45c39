"""What can be told of a PGP message from its first bytes alone: is it one, was it encrypted, and to whom.

Only packet headers are read (RFC 9580 section 4.2); nothing is decrypted or decompressed here.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

ARMOUR = b"-----BEGIN PGP MESSAGE-----"
HEAD = 64 * 1024
PKESK, SKESK, COMPRESSED, LITERAL, MARKER, PADDING = 1, 3, 8, 11, 10, 21
ENCRYPTED = frozenset({9, 18, 20})
BEFORE_DATA = frozenset({PKESK, SKESK, MARKER, PADDING})
VERSIONS = {PKESK: {2, 3, 6}, SKESK: {4, 5, 6}, 18: {1, 2}, 20: {1}, COMPRESSED: {0, 1, 2, 3}}
LITERAL_FORMATS = frozenset(b"btu1lm")


@dataclass(frozen=True, slots=True)
class Shape:
    """`encrypted`: session keys, then encrypted data. `recipients`: upper-case hex key ids, as written."""

    encrypted: bool
    recipients: tuple[str, ...] = ()


def looks_encrypted(head: bytes) -> bool:
    """Whether bytes begin a PGP message, armoured or binary; opening refuses one that never was encrypted."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(ARMOUR):
        return True
    packet = _packet(head, 0)
    if packet is None or len(head) <= packet.body:
        return False
    first = head[packet.body]
    return first in LITERAL_FORMATS if packet.tag == LITERAL else first in VERSIONS.get(packet.tag, ())


def shape(head: bytes) -> Shape:
    """The outer packets of a message whose first bytes are given; tolerant of a cut anywhere."""
    data = _binary(head)
    at = 0
    recipients: list[str] = []
    while (packet := _packet(data, at)) is not None:
        if packet.tag in ENCRYPTED:
            return Shape(True, tuple(recipients))
        if packet.tag not in BEFORE_DATA or packet.length is None:
            break
        at = packet.body + packet.length
        if packet.tag == PKESK and at <= len(data):
            recipients.append(_recipient(data[packet.body : at]))
    return Shape(False, tuple(recipients))


@dataclass(frozen=True, slots=True)
class _Header:
    tag: int
    body: int
    length: int | None


def _packet(data: bytes, at: int) -> _Header | None:
    if at + 2 > len(data) or not data[at] & 0x80:
        return None
    if data[at] & 0x40:
        return _new_format(data, at)
    size = (1, 2, 4, 0)[data[at] & 3]
    body = at + 1 + size
    if body > len(data):
        return None
    length = int.from_bytes(data[at + 1 : body], "big") if size else None
    return _Header(data[at] >> 2 & 0x0F, body, length)


def _new_format(data: bytes, at: int) -> _Header | None:
    tag, first = data[at] & 0x3F, data[at + 1]
    if first < 192:
        return _Header(tag, at + 2, first)
    if first < 224:
        return _Header(tag, at + 3, (first - 192 << 8) + data[at + 2] + 192) if at + 3 <= len(data) else None
    if first < 255:
        return _Header(tag, at + 2, None)
    return _Header(tag, at + 6, int.from_bytes(data[at + 2 : at + 6], "big"))


def _recipient(body: bytes) -> str:
    if body[:1] == b"\x06" and len(body) > 2:
        return body[3 : 2 + body[1]].hex().upper()
    return body[1:9].hex().upper()


def _binary(head: bytes) -> bytes:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(ARMOUR):
        return head
    lines = [line.strip() for line in text.splitlines()]
    start = next((i for i, line in enumerate(lines) if not line and i), 0) + 1
    body = []
    for line in lines[start:]:
        if line.startswith((b"=", b"-----")):
            break
        body.append(line)
    joined = b"".join(body)
    try:
        return base64.b64decode(joined[: len(joined) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""
