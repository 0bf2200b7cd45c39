"""An inline file's bytes: strict base64, bounded gzip, and a size that must be the one announced."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattledger.connectors.unwrap import gunzip
from wattledger.errors import BadPayload, Refused
from wattledger.web.contracts.smt import fields
from wattledger.web.limits import MIB, STREAM

ENCODINGS = ("base64", "base64+gzip")
_SPACE = str.maketrans("", "", " \t\r\n")


@dataclass(frozen=True, slots=True)
class Inline:
    """What an inline body carried: the plain bytes, its encoding and, for gzip, the packed size."""

    body: bytes
    encoding: str
    packed: int | None


def unpack(message: Mapping[str, Any]) -> Inline:
    """The bytes of `content_b64`. Pure and slow for large files: run it in a thread.

    An empty file says so with `sizeBytes` 0. Raises Refused with the contract's codes: INLINE_MISSING_B64,
    INLINE_UNSUPPORTED_ENCODING, INLINE_BAD_BASE64, INLINE_BAD_GZIP, INLINE_TOO_LARGE (413),
    INLINE_SIZE_MISMATCH.
    """
    encoding = _encoding(message)
    empty = message.get("content_b64") == "" and message.get("sizeBytes") == 0
    coded = b"" if empty else _from_base64(message.get("content_b64"))
    plain = _gunzip(coded) if encoding == "base64+gzip" else coded
    _check_size(message, len(plain))
    return Inline(plain, encoding, len(coded) if plain is not coded else None)


class SizeMismatch(Refused):
    """The bytes are not as many as `sizeBytes` says."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            f"sizeBytes says {expected}, the content has {actual} bytes.", "INLINE_SIZE_MISMATCH", "sizeBytes"
        )
        self.details = {"expected": expected, "actual": actual}


def _encoding(message: Mapping[str, Any]) -> str:
    value = message.get("encoding", "base64")
    found = value.strip().lower() if isinstance(value, str) else ""
    if found not in ENCODINGS:
        raise Refused(
            f"encoding must be one of {', '.join(ENCODINGS)}.", "INLINE_UNSUPPORTED_ENCODING", "encoding"
        )
    return found


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str) or not value.strip():
        raise Refused("content_b64 is missing or empty.", "INLINE_MISSING_B64", "content_b64")
    try:
        return base64.b64decode(value.translate(_SPACE).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Refused("content_b64 is not valid base64.", "INLINE_BAD_BASE64", "content_b64") from None


def _gunzip(packed: bytes) -> bytes:
    """The file within a gzip, up to 256 MiB and as far as an honest one unfolds."""
    out = io.BytesIO()
    try:
        for piece in gunzip(packed):
            out.write(piece)
            if out.tell() > STREAM:
                raise _too_large(f"The file unpacks to more than {STREAM // MIB} MiB; split it.")
    except BadPayload as error:
        if error.code == "bomb":
            raise _too_large(str(error)) from None
        message = "The gzip data is damaged or cut short."
        raise Refused(message, "INLINE_BAD_GZIP", "content_b64") from None
    return out.getvalue()


def _too_large(message: str) -> Refused:
    return Refused(message, "INLINE_TOO_LARGE", None, 413)


def _check_size(message: Mapping[str, Any], actual: int) -> None:
    expected = fields.whole(message, "sizeBytes")
    if expected is not None and expected != actual:
        raise SizeMismatch(expected, actual)
