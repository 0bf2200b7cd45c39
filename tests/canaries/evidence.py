"""What came out of a run, by place; and the secrets, each with the places that it is meant for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import zstandard

SHORTEST = 6


@dataclass(frozen=True)
class Hit:
    """A secret where it has no business."""

    name: str
    place: str


@dataclass
class Evidence:
    """`hide` names a secret, `saw` keeps what came out, `hits` compares the two."""

    secrets: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """value -> its name, and patterns of the places that it is meant for"""
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def hide(self, name: str, value: str, *places: str) -> str:
        """A secret, and patterns of places where it may be. Returns it."""
        assert len(value) >= SHORTEST, f"{name} is too short to be looked for"
        self.secrets.setdefault(value, (name, places))
        return value

    def hide_all(self, name: str, values: Iterable[str], *places: str) -> None:
        """Several of one kind."""
        for value in list(values):
            self.hide(name, value, *places)

    def saw(self, place: str, what: bytes | str) -> None:
        """Something came out at this place."""
        self.seen.append((place, what if isinstance(what, bytes) else what.encode()))

    def saw_parts(self, place: str, what: bytes) -> None:
        """What is packed in it: by name where it is a ZIP."""
        self.saw(place, unpacked(what))
        if what.startswith(b"PK"):
            with ZipFile(BytesIO(what)) as packed:
                for name in packed.namelist():
                    self.saw(f"{place} {name}", packed.read(name))

    @property
    def names(self) -> set[str]:
        """Kinds of secrets."""
        return {name for name, _ in self.secrets.values()}

    def hits(self) -> list[Hit]:
        """Every secret at every place that is not its own, in any of its usual spellings."""
        found = set()
        for value, (name, places) in self.secrets.items():
            forms = tuple(_forms(value))
            for place, what in self.seen:
                if any(form in what for form in forms) and not any(fnmatchcase(place, p) for p in places):
                    found.add(Hit(name, place))
        return sorted(found, key=lambda hit: (hit.name, hit.place))


def _forms(value: str) -> Iterator[bytes]:
    data = value.encode()
    yield data
    yield quote(value, safe="").encode()
    yield json.dumps(value)[1:-1].encode()
    yield b64encode(data).rstrip(b"=")
    yield data.hex().encode()


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a data folder, and what is in it where it is packed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield f"file {path.relative_to(folder)}", data
            yield f"file {path.relative_to(folder)} unpacked", unpacked(data)


def unpacked(data: bytes) -> bytes:
    """Whatever zstd frame begins anywhere in it."""
    found, start = [], data.find(b"\x28\xb5\x2f\xfd")
    while start >= 0:
        with suppress(zstandard.ZstdError):
            found.append(zstandard.ZstdDecompressor().decompressobj().decompress(data[start:]))
        start = data.find(b"\x28\xb5\x2f\xfd", start + 4)
    return b"\n".join(found)
