"""What form a file has, from its content; file names only help to name what is kept unread."""

from __future__ import annotations

import codecs

from wattledger.connectors.smart_meter_texas.interval import header
from wattledger.connectors.smart_meter_texas.interval.header import Header
from wattledger.errors import BadPayload

_PGP_TAGS = (0x84, 0x85, 0x86, 0x8C, 0xC1, 0xC3)
"""first bytes of a binary OpenPGP message: a session key for a public key or a passphrase"""
_NAMES = (
    ("dailymeter", "daily"),
    ("monthly", "monthly"),
    ("billing", "monthly"),
    ("enroll", "enrollment"),
    ("subscription", "subscription"),
    (".lse", "report"),
    ("report", "report"),
)
_WORKBOOKS = (b"\xd0\xcf\x11\xe0", b"%PDF")


def encrypted(head: bytes) -> bool:
    """Whether the file is an OpenPGP message, armoured or binary."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"-----BEGIN PGP MESSAGE"):
        return True
    return len(head) > 4 and head[0] in _PGP_TAGS and 3 in head[2:7] and b"," not in head[:16]


def text(body: bytes) -> bytes:
    """The body as UTF-8 without a byte-order mark. Raises BadPayload for damaged UTF-16."""
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return body.decode("utf-16").encode()
        except UnicodeError:
            raise BadPayload("The text is UTF-16 but damaged; save the file again.", "encoding") from None
    return body


def form(body: bytes) -> str:
    """empty, pgp, html, xml, json, binary or text. `body` is what `text` gave."""
    head = body[:1024].lstrip(b" \t\r\n\x0b\x0c")
    if not head and not body.strip():
        return "empty"
    if encrypted(body[:64]):
        return "pgp"
    if head.startswith(b"<"):
        lower = head.lower()
        return "html" if lower.startswith((b"<!doctype html", b"<html")) or b"<html" in lower else "xml"
    if head[:1] in (b"{", b"["):
        return "json"
    return "binary" if _binary(body[:4096]) else "text"


def _binary(head: bytes) -> bool:
    """Many control characters: no text in any encoding. A stray NUL in a CSV is a matter of its row."""
    strange = sum(byte < 32 and byte not in b"\t\r\n\x0b\x0c" for byte in head)
    return head.startswith(_WORKBOOKS) or 10 * strange > len(head)


def first_line(body: bytes) -> bytes:
    """The first line that isn't blank, of the first 64 KiB."""
    for line in body[:65536].replace(b"\r", b"\n").split(b"\n"):
        if line.strip(b" \t,"):
            return line
    return b""


def csv_header(body: bytes) -> Header:
    """The header of a text, whether or not it is one of ours."""
    return header.read(first_line(body))


def csv_kind(columns: Header, name: str) -> str:
    """What a text file without intervals is: by its columns, else by the name it came with."""
    names = set(columns.names)
    if columns.interval:
        return "interval"
    if names & {"billedkwh", "meteredkw", "actualkwh", "billeddemand", "billdate", "billingstartdate"}:
        return "monthly"
    if names & {"startreading", "endreading"} or {"date", "kwh"} <= columns.roles.keys():
        return "daily"
    if any(n.startswith("subscription") for n in names):
        return "subscription"
    if any(n.startswith(("agreement", "enrollment")) for n in names):
        return "enrollment"
    return _kind_of_name(name.lower())


def _kind_of_name(name: str) -> str:
    return next((kind for word, kind in _NAMES if word in name), "opaque")
