"""Opening ZIP and gzip files within limits. Nothing is written to disk; member names are only text.

output of one file     256 MiB, all members and layers together
expansion              200 times, once a member has given more than 1 MiB
members                32
layers                 2 (a gzip within a ZIP; a third layer is refused)
streams of a gzip      10,000, one after another
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

MOST_BYTES = 256 * 1024 * 1024
MOST_RATIO = 200
RATIO_FROM = 1024 * 1024
MOST_MEMBERS = 32
MOST_LAYERS = 2
MOST_STREAMS = 10_000

_ZIP, _EMPTY_ZIP, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_STEP = 256 * 1024
_STEPWISE, _LEAST = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), 4096
"""other methods unfold all that is read at once: of LZMA little is read, of bzip2 (1 : 1,000,000) nothing"""


@dataclass(frozen=True, slots=True)
class Member:
    """One file from within a payload; `name` is the archive's word for it, `` for the payload itself."""

    name: str
    body: bytes


@dataclass(slots=True)
class Opened:
    """What was inside, and what was left out with the reason."""

    members: list[Member] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: int = 0

    def grow(self, more: int) -> None:
        """Count output. Raises BadPayload past the limit."""
        self.size += more
        if self.size > MOST_BYTES and not sabotaged("unwrap_limits"):
            raise BadPayload(
                f"The archive unpacks to more than {MOST_BYTES >> 20} MiB, which no meter file does; "
                "it was not read further.",
                "bomb",
            )


def wrapped(head: bytes) -> bool:
    """Whether a file that begins like this is a ZIP or a gzip."""
    return head.startswith((_ZIP, _EMPTY_ZIP, _GZIP))


def opened(body: bytes, name: str = "") -> Opened:
    """Every file inside, down to what is neither ZIP nor gzip. Raises BadPayload for bombs and damage."""
    found = Opened()
    _open(Member(name, body), 0, found)
    return found


def _open(member: Member, layer: int, found: Opened) -> None:
    if not wrapped(member.body[:4]):
        found.members.append(member)
        return
    if layer == MOST_LAYERS:
        raise BadPayload(
            f"{member.name or 'The file'} is packed more than {MOST_LAYERS} times over; unpack it first.",
            "nested_archive",
        )
    inner = _gunzipped(member, found) if member.body.startswith(_GZIP) else _unzipped(member, found)
    for part in inner:
        _open(part, layer + 1, found)


def gunzip(packed: bytes) -> Iterator[bytes]:
    """What a gzip of one or several streams unfolds to, in pieces of at most 256 KiB.

    Raises BadPayload: `gzip_damaged`, `gzip_truncated`, `bomb` past the ratio or the number of streams.
    """
    at, left, made = 0, b"", 0
    for _ in range(MOST_STREAMS):
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            if not left:
                left, at = (
                    packed[at : at + _STEP],
                    at + _STEP,
                )  # by steps: what is left over is copied each time
                if not left:
                    raise BadPayload("The gzip file ends too early; send it again.", "gzip_truncated")
            try:
                piece = stream.decompress(left, _STEP)
            except zlib.error:
                raise BadPayload("The gzip file is damaged; send it again.", "gzip_damaged") from None
            left = stream.unconsumed_tail
            made += len(piece)
            _check_ratio(made, len(packed), "")
            yield piece
        left = stream.unused_data.lstrip(b"\0")
        while not left and at < len(packed):
            left, at = packed[at : at + _STEP].lstrip(b"\0"), at + _STEP
        if not left:
            return
    raise BadPayload(f"The gzip file consists of more than {MOST_STREAMS:,} parts; pack it as one.", "bomb")


def _gunzipped(member: Member, found: Opened) -> list[Member]:
    """The one file within a gzip."""
    out = io.BytesIO()
    for piece in gunzip(member.body):
        out.write(piece)
        found.grow(len(piece))
    return [Member(member.name.removesuffix(".gz"), out.getvalue())]


def _unzipped(member: Member, found: Opened) -> Iterator[Member]:
    """The files within a ZIP, one at a time."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(member.body))
        infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, UnicodeError, RuntimeError):
        raise BadPayload("The ZIP file is damaged or cut short; send it again.", "zip_damaged") from None
    if len(infos) > MOST_MEMBERS and not sabotaged("unwrap_limits"):
        raise BadPayload(
            f"The ZIP file holds {len(infos)} files; at most {MOST_MEMBERS} are read. Send them apart.",
            "zip_members",
        )
    with archive:
        for info in infos:
            name = printable(info.filename)
            if _outside(info.filename):
                found.notes.append(f"A member is called {name!r}; names are never used as paths.")
            if info.flag_bits & 1:
                raise BadPayload(
                    f"{name} in the ZIP file is locked with a password; send it unlocked.",
                    "zip_encrypted",
                )
            if info.compress_type == zipfile.ZIP_BZIP2 and not sabotaged("unwrap_limits"):
                raise BadPayload(
                    f"{name} in the ZIP file is packed by bzip2; pack it as usual.", "zip_method"
                )
            yield Member(name, _member(archive, info, name, found))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, found: Opened) -> bytes:
    """One member, read as a stream; its declared size is not believed."""
    out = io.BytesIO()
    step = _STEP if info.compress_type in _STEPWISE else _LEAST
    try:
        with archive.open(info) as stream:
            while piece := stream.read(step):
                out.write(piece)
                found.grow(len(piece))
                _check_ratio(out.tell(), max(info.compress_size, 1), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        raise BadPayload(f"{name} in the ZIP file is damaged; send it again.", "zip_damaged") from None
    except Exception as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload(f"{name} in the ZIP file can't be unpacked; send it again.", "zip_damaged") from None
    return out.getvalue()


def _check_ratio(out: int, packed: int, name: str) -> None:
    if out > RATIO_FROM and out > packed * MOST_RATIO and not sabotaged("unwrap_limits"):
        raise BadPayload(
            f"{name or 'The file'} unpacks to over {MOST_RATIO} times its size, which no meter file does; "
            "it was not read further.",
            "bomb",
        )


def _outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or "\0" in name or ":" in name


def printable(name: str) -> str:
    """A member's name fit for a message: no control characters, at most 120 long."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[:120] or "a member"


def peek(head: bytes, size: int = 4096) -> bytes:
    """The first bytes of the first file within the beginning of a ZIP or gzip; empty where unreadable."""
    try:
        if head.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(head, size)
        if head.startswith(_ZIP):
            method = int.from_bytes(head[8:10], "little")
            begin = 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            if method == zipfile.ZIP_STORED:
                return head[begin : begin + size]
            if method == zipfile.ZIP_DEFLATED:
                return zlib.decompressobj(wbits=-15).decompress(head[begin:], size)
    except zlib.error:
        return b""
    return b""
