"""Which versions of remote files were taken already: one hash a line, appended and synced."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wattledger.relay.durable import append

LENGTH = 32


class Ledger:
    """A set of remote keys that outlives the process. A torn line is no key and does no harm."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: set[str] = set()
        self._read = -1

    def load(self) -> None:
        """Reads the file again where another process has grown it."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size != self._read:
            lines = self._path.read_bytes().split(b"\n") if size else []
            self._keys |= {line.decode("ascii", "replace") for line in lines if len(line) == LENGTH}
            self._read = size

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, keys: Iterable[str]) -> None:
        """Remembers keys durably."""
        new = [key for key in keys if key not in self._keys]
        if new:
            append(self._path, b"\n" + b"".join(key.encode() + b"\n" for key in new))
            self._keys.update(new)
            self._read = self._path.stat().st_size
