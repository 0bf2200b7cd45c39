"""One spooled file's sidecar: what it is called elsewhere, and what happened to it so far."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import orjson

from wattledger.errors import BadPayload

Stage = Literal["enc", "out"]


@dataclass(slots=True)
class Item:
    """A file in the spool. Its local name is `id`, a hash; every other name here is data only.

    `mtime`, `next_try`, `fetched_at`: UTC epoch seconds. `size` in bytes.
    """

    id: str
    name: str
    folder: str
    size: int
    mtime: int
    source: str = "adhocusage"
    stage: Stage = "enc"
    sha256: str = ""
    fetched_at: float = 0
    wrapped_in: list[dict[str, str]] = field(default_factory=list)
    attempts: int = 0
    next_try: float = 0
    last_error: str = ""
    code: str = ""
    key: str = ""
    """which PGP key did not open it: `PgpKeys.mark`"""

    def dump(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, body: bytes) -> Item:
        """Raises BadPayload when the sidecar was damaged."""
        try:
            found: dict[str, Any] = orjson.loads(body)
            item = cls(**{f.name: found[f.name] for f in fields(cls) if f.name in found})
        except (orjson.JSONDecodeError, TypeError, AttributeError, KeyError):
            raise BadPayload("The sidecar of a spooled file is damaged.", "sidecar_damaged") from None
        if not all(isinstance(v, str) for v in (item.id, item.name, item.folder)) or not isinstance(
            item.size, int
        ):
            raise BadPayload("The sidecar of a spooled file is damaged.", "sidecar_damaged")
        return item


def remote_key(folder: str, name: str, size: int, mtime: int) -> str:
    """The identity of one version of a remote file: another size or time is another file."""
    return hashlib.sha256(orjson.dumps([folder, name, size, mtime])).hexdigest()[:32]
