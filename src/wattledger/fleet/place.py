"""Where a fleet's Parquet and journals lie: a local folder, or s3://, gs://, az://; whole objects by key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from wattledger.errors import Misconfigured, NotFound, TryLater


class Item(NamedTuple):
    """An object, and what changes when it is written anew."""

    key: str
    size: int
    mark: str


class Place:
    """Objects below one folder or URL; an object is there whole or not at all."""

    def __init__(self, where: str) -> None:
        """Raises Misconfigured for an address that is none."""
        from obstore.exceptions import BaseError
        from obstore.store import LocalStore, from_url

        self.where = where
        try:
            if "://" in where and not where.startswith("file://"):
                self._store: Any = from_url(where)
            else:
                folder = Path(where.removeprefix("file://")).absolute()
                self._store = LocalStore(folder, mkdir=True, automatic_cleanup=True)
        except (BaseError, OSError, ValueError) as error:
            raise Misconfigured(f"{where} cannot be opened ({type(error).__name__}).") from None

    def put(self, key: str, data: bytes) -> None:
        """Write, whatever was there. Raises TryLater."""
        import obstore

        with self._told(key):
            obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes:
        """Read. Raises NotFound, TryLater."""
        import obstore

        with self._told(key):
            return bytes(obstore.get(self._store, key).bytes())

    def items(self, below: str = "") -> Iterator[Item]:
        """Everything below a folder, by key."""
        import obstore

        with self._told(below):
            found = [item for page in obstore.list(self._store, below or None) for item in page]
        for item in sorted(found, key=lambda item: item["path"]):
            yield Item(item["path"], item["size"], f"{item.get('e_tag') or item['last_modified']}")

    def delete(self, keys: list[str]) -> None:
        """Remove; what is gone already is no error."""
        import obstore

        for key in keys:
            with self._told(key):
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError:
            raise NotFound(f"{self.where} has no {key}.") from None
        except (BaseError, OSError) as error:
            raise TryLater(f"{self.where} does not answer for {key} ({type(error).__name__}).") from error
