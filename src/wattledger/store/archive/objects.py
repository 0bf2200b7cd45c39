"""Large bodies outside the database: a local folder written durably, or S3, GCS, Azure by URL.

Keys are `payloads/ab/cdef...`, made from a digest of ours, never from input.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from wattledger.clock import token
from wattledger.errors import NotFound, TryLater
from wattledger.faults import sabotaged
from wattledger.store.translate import translated


class Objects(Protocol):
    """Bytes by key; what `put` returned from is durable. With `replace` other bytes of that key give way."""

    async def put(self, key: str, data: bytes, *, replace: bool = False) -> None: ...

    async def get(self, key: str) -> bytes: ...

    async def has(self, key: str) -> bool: ...

    async def remove(self, key: str) -> None: ...


def key_of(sha256: str) -> str:
    """The key of a body."""
    return f"payloads/{sha256[:2]}/{sha256[2:]}"


def open_objects(url: str | None, data: Path) -> Objects:
    """The folder `objects` in the data folder, another folder (a path or file:// URL), or a cloud bucket."""
    if url is None:
        return Folder(data / "objects")
    if url.startswith("file://"):
        return Folder(Path(url.removeprefix("file://")))
    return Bucket(url) if "://" in url else Folder(Path(url))


class Folder:
    """A local folder: temporary file, fsync, rename, fsync of the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, key: str, data: bytes, *, replace: bool = False) -> None:
        """Write once; a body of that digest which is there already is kept. Raises TryLater."""
        with translated():
            await asyncio.to_thread(self._put, self.root / key, data, replace)

    async def get(self, key: str) -> bytes:
        """The bytes. Raises NotFound where the file is gone."""
        try:
            return await asyncio.to_thread((self.root / key).read_bytes)
        except FileNotFoundError:
            raise NotFound(
                f"The archived body {key} is missing from {self.root}; restore a backup."
            ) from None

    async def has(self, key: str) -> bool:
        """Whether there are bytes of that key."""
        return await asyncio.to_thread((self.root / key).exists)

    async def remove(self, key: str) -> None:
        """Delete the bytes for good; none of that key is no error."""
        await asyncio.to_thread(self._remove, self.root / key)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        if path.parent.exists():
            _sync(path.parent)

    def _put(self, path: Path, data: bytes, replace: bool) -> None:
        if replace or not path.exists() or path.stat().st_size != len(data):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data)
        for folder in (path.parent, path.parent.parent, self.root):
            _sync(folder)  # of one that is there too: who brought it may have died before this


class Bucket:
    """A cloud bucket; credentials come from the provider's own environment variables."""

    def __init__(self, url: str) -> None:
        from obstore.store import from_url

        self._store = from_url(url)

    async def put(self, key: str, data: bytes, *, replace: bool = False) -> None:
        """Write, always. Raises TryLater where the store does not take it."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            await obstore.put_async(self._store, key, data)
        except (BaseError, FileNotFoundError) as error:  # the latter: there is no such bucket
            raise TryLater(f"The object store did not take {key} ({type(error).__name__}).") from error

    async def get(self, key: str) -> bytes:
        """Read. Raises NotFound, or TryLater where the store does not answer."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise NotFound(f"The archived body {key} is missing from the object store.") from None
        except BaseError as error:
            raise TryLater(f"The object store did not give {key} ({type(error).__name__}).") from error

    async def has(self, key: str) -> bool:
        """Whether there are bytes of that key. Raises TryLater where the store does not answer."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise TryLater(f"The object store did not answer for {key} ({type(error).__name__}).") from error
        return True

    async def remove(self, key: str) -> None:
        """Delete the bytes. Raises TryLater where the store does not do it."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise TryLater(f"The object store did not delete {key} ({type(error).__name__}).") from error


def _write(path: Path, data: bytes) -> None:
    """Make the file whole or not at all; a disk that is full gets back what was begun."""
    draft = path.with_name(f".{path.name}.{token(6)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            if not sabotaged("object_sync"):
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    if sabotaged("object_sync"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
