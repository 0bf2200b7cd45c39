"""Where sealing keys come from: WATTLEDGER_KEYS, else the key file of the data folder.

Both hold `id:base64` items, newest first, separated by commas or line ends. A key is never printed.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wattledger.clock import random_bytes
from wattledger.config import Settings
from wattledger.errors import Misconfigured

KEY_BYTES = 32
KEY_FILE = "keys"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by id, newest first; `file` where they were read, None for the setting; `created` if new."""

    by_id: Mapping[str, bytes] = field(repr=False)
    file: Path | None = None
    created: bool = False


def find_keys(settings: Settings, *, create: bool) -> Keys:
    """The sealing keys of this installation; none where none are set.

    With `create` a missing key file is made (mode 0600). Raises Misconfigured when keys are
    malformed, or the file is unreadable or open to others.
    """
    if settings.keys is not None:
        return Keys(parse_keys(settings.keys.get_secret_value(), "WATTLEDGER_KEYS"))
    path = settings.data / KEY_FILE
    created = create and not path.exists() and _write_first(path, make_key())
    if not path.exists():
        return Keys({})
    return Keys(read_keys(path), path, created)


def read_keys(path: Path) -> dict[str, bytes]:
    """The keys of a file. Raises Misconfigured where it is malformed, unreadable or open to others."""
    return parse_keys(_read(path), f"The key file {path}")


def make_key() -> str:
    """A new `id:base64` item with an id of its own."""
    return f"k{random_bytes(4).hex()}:{b64encode(random_bytes(KEY_BYTES)).decode()}"


def add_key(path: Path) -> str:
    """Put a new key on top of the key file, older ones kept for reading. Returns the new key's id."""
    older = _read(path)
    parse_keys(older, f"The key file {path}")
    item = make_key()
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, f"{item}\n{older.strip()}\n")
    fresh.replace(path)
    _sync_folder(path.parent)
    return item.partition(":")[0]


def parse_keys(text: str, where: str) -> dict[str, bytes]:
    """Key ids and 32-byte keys in the order given. Raises Misconfigured, never showing a key."""
    keys: dict[str, bytes] = {}
    for number, item in enumerate(filter(None, re.split(r"[,\s]+", text)), start=1):
        kid, _, encoded = item.partition(":")
        key = _decode(encoded)
        if not _KEY_ID.fullmatch(kid) or key is None or kid in keys:
            raise Misconfigured(
                f"{where}: key {number} must be `id:base64` with {KEY_BYTES} bytes and an id of its own "
                "of letters, digits, - or _."
            )
        keys[kid] = key
    if not keys:
        raise Misconfigured(f"{where} holds no key; it needs at least one `id:base64`.")
    return keys


def _decode(encoded: str) -> bytes | None:
    try:
        key = b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The key file {path} is open to other users; run `chmod 600 {path}`.")
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"The key file {path} cannot be read; check its owner and content.") from None


def _write_first(path: Path, item: str) -> bool:
    """Make the file whole or not at all; False where another process was first."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        _write_new(fresh, f"{item}\n")
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise Misconfigured(f"The key file {path} cannot be made: {error.strerror}.") from None
    return True


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
