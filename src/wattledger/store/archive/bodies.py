"""The archive's bytes: compressed, by content, in the database or (when large) in the object store.

What is read back is compared with its digest: a flipped bit is an error, never other bytes. Private bodies
are compressed, then sealed; their address is the digest of the plain bytes all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import zstandard
from sqlalchemy import Row, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattledger.errors import NotFound, WattledgerError
from wattledger.faults import sabotaged
from wattledger.model import Payload
from wattledger.secrets import SecretUnreadable, Vault
from wattledger.store.archive.objects import Objects, key_of
from wattledger.store.database import Database
from wattledger.store.tables import body
from wattledger.store.tables import payload as payload_table
from wattledger.threads import SHORT, done

INLINE = 256 * 1024
"""compressed bytes up to which a body stays in the database"""
LARGEST = 1 << 30
SEALED = "sealed"
"""the codec of private bodies"""
_LEVEL = 1


def _keep(engine: Any) -> Any:
    """Built once: building a statement takes longer than running it."""
    made = engine.insert(body)
    sealed_now = (body.c.codec != SEALED) & (made.excluded.codec == SEALED)
    columns = {name: made.excluded[name] for name in ("codec", "stored", "data")}
    return made.on_conflict_do_update(index_elements=["sha256"], set_=columns, where=sealed_now)


_KEEP = {False: _keep(sqlite), True: _keep(postgresql)}


class Corrupt(WattledgerError):
    """Archived bytes are not those that were received: restore this body from a backup."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A body ready to be kept. `data` is None once the object store has it."""

    sha256: str
    codec: str
    size: int
    stored: int
    data: bytes | None


def pack(sha256: str, plain: bytes) -> Packed:
    """Compress, unless that gains nothing."""
    small = zstandard.ZstdCompressor(level=_LEVEL).compress(plain)
    codec, data = ("zstd", small) if len(small) < len(plain) else ("raw", plain)
    return Packed(sha256, codec, len(plain), len(data), data)


def sealed(vault: Vault, sha256: str, plain: bytes) -> Packed:
    """Compress and seal. Raises Misconfigured without a sealing key."""
    small = zstandard.ZstdCompressor(level=_LEVEL).compress(plain)
    data = vault.seal(small, **cell(sha256)).encode()
    return Packed(sha256, SEALED, len(plain), len(data), data)


def cell(sha256: str) -> dict[str, str]:
    """The cell to which a sealed body is bound."""
    return {"table": "body", "row": sha256, "column": "data"}


class Bodies:
    """See the module."""

    def __init__(self, database: Database, objects: Objects, vault: Vault) -> None:
        self._database = database
        self._objects = objects
        self._vault = vault

    async def place(self, payload: Payload) -> Packed:
        """Compress, and bring a large body to the object store: before the transaction that names it."""
        sha256 = payload.sha256
        brief = len(payload.body) < SHORT
        if payload.private:
            packed = await done(brief, sealed, self._vault, sha256, payload.body)
        else:
            packed = await done(brief, pack, sha256, payload.body)
        if packed.stored <= INLINE:
            return packed
        assert packed.data is not None
        await self._objects.put(key_of(sha256), packed.data, replace=payload.private)
        return Packed(sha256, packed.codec, packed.size, packed.stored, None)

    async def assure(self, payload: Payload, packed: Packed) -> None:
        """Bring a large body again whose bytes were deleted between `place` and the commit that names it."""
        if packed.data is None and not await self._objects.has(key_of(packed.sha256)):
            await self.place(payload)

    async def forget(self, connection: AsyncConnection, sha256s: Collection[str]) -> int:
        """Delete those of these bodies that no payload names any more. Returns the bytes as received.

        Large ones leave the object store before the caller's transaction is committed: a crash leaves a row
        without bytes, which is deleted next time, never bytes without a row.
        """
        ordered = sorted(sha256s)
        locked = select(body.c.sha256).where(body.c.sha256.in_(ordered)).order_by(body.c.sha256)
        await connection.execute(locked.with_for_update())
        named = select(payload_table.c.sha256).where(payload_table.c.sha256.in_(ordered))
        kept = set(await connection.scalars(named))
        gone = [one for one in ordered if one not in kept]
        query = delete(body).where(body.c.sha256.in_(gone)).returning(body.c.sha256, body.c.size, body.c.data)
        rows = (await connection.execute(query)).all()
        for row in rows:
            if row.data is None:
                await self._objects.remove(key_of(row.sha256))
        return sum(row.size for row in rows)

    async def keep(self, connection: AsyncConnection, packed: Packed) -> None:
        """Name the body in the database; known content changes nothing, but that it is private from now."""
        await self.keep_all(connection, [packed])

    async def keep_all(self, connection: AsyncConnection, packed: Sequence[Packed]) -> None:
        """Name several, in the order of their digests, as all writers do."""
        rows = {one.sha256: one for one in sorted(packed, key=lambda one: (one.sha256, one.codec == SEALED))}
        await connection.execute(_KEEP[self._database.is_postgres], [asdict(one) for one in rows.values()])

    async def read(self, sha256: str) -> bytes:
        """The bytes as received: see `fetch`."""
        return (await self.fetch(sha256))[0]

    async def fetch(self, sha256: str) -> tuple[bytes, bool]:
        """The bytes as received, and whether they are private.

        Raises Corrupt where they are others, NotFound where they are gone, SecretUnreadable where no key
        here opens them.
        """
        async with self._database.connect() as connection:
            row = (await connection.execute(select(body).where(body.c.sha256 == sha256))).one_or_none()
        if row is None:
            raise NotFound(f"There is no archived body {sha256}.")
        data = row.data if row.data is not None else await self._objects.get(key_of(sha256))
        brief = len(data) < SHORT
        return await done(brief, self.unpack, sha256, row.codec, row.size, data), row.codec == SEALED

    async def fetch_small(self, sha256s: Collection[str]) -> dict[str, tuple[bytes, bool]]:
        """Of these the small ones that can be read, as `fetch` gives them."""
        small = body.c.sha256.in_(sha256s) & body.c.data.is_not(None) & (body.c.stored < SHORT)
        async with self._database.connect() as connection:
            rows = (await connection.execute(select(body).where(small))).all()
        return await asyncio.to_thread(self._all, rows)

    def _all(self, rows: Sequence[Row[Any]]) -> dict[str, tuple[bytes, bool]]:
        found = {}
        for row in rows:
            with suppress(Corrupt, SecretUnreadable):
                plain = self.unpack(row.sha256, row.codec, row.size, row.data)
                found[row.sha256] = plain, row.codec == SEALED
        return found

    def unpack(self, sha256: str, codec: str, size: int, data: bytes) -> bytes:
        """The bytes of one row. Raises Corrupt, SecretUnreadable."""
        if codec == SEALED:
            data = self._vault.open(data.decode("ascii", "replace"), **cell(sha256))
        return _unpack(sha256, codec, size, data)


def _unpack(sha256: str, codec: str, size: int, data: bytes) -> bytes:
    plain = data if codec == "raw" else _decompress(data)
    if not sabotaged("sha_check") and hashlib.sha256(plain).hexdigest() != sha256:
        raise Corrupt(
            f"The archived body {sha256} ({size} bytes) was changed on disk; restore it from a backup."
        )
    return plain


def _decompress(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=LARGEST)
    except zstandard.ZstdError:
        return b""
