"""The vault: secrets are sealed for one cell of one table and open nowhere else.

Sealed form: `v1|key id|nonce|ciphertext`, the last two base64url; AES-256-GCM, with table, row and
column as authenticated data. There is no plaintext form: without a key nothing is sealed or opened.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wattledger.clock import random_bytes
from wattledger.config import Settings
from wattledger.errors import Misconfigured, WattledgerError
from wattledger.faults import sabotaged
from wattledger.keyfile import find_keys, read_keys

VERSION = "v1"
NONCE_BYTES = 12


class SecretUnreadable(WattledgerError):
    """One sealed value cannot be opened: its key is gone, or it was changed or moved. Others are fine."""


class Vault:
    """Seals with the newest key, opens with any it holds.

    `keys` maps key ids to 32 bytes, newest first. `key_file` says where they were read from, None
    for a setting; `created` whether that file is new. A vault without keys is locked.

    A key that another process adds to the file is taken up by itself: before anything is sealed, and when
    something needs a key that is not held. Keys once held are kept.
    """

    def __init__(
        self, keys: Mapping[str, bytes], *, key_file: Path | None = None, created: bool = False
    ) -> None:
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._newest = next(iter(keys), None)
        self._seen: tuple[int, ...] | None = None
        self.key_file = key_file
        self.created = created

    def __repr__(self) -> str:
        return f"Vault(key ids: {', '.join(self._ciphers) or 'none'})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys it holds, newest first."""
        return tuple(self._ciphers)

    def seal(self, plain: bytes, *, table: str, row: str, column: str) -> str:
        """`plain` for this cell only. Raises Misconfigured where no key is set."""
        self._look()
        if self._newest is None:
            raise Misconfigured(
                "No sealing key is set: set WATTLEDGER_KEYS, or start `wattledger serve` once, "
                "which makes a key file."
            )
        nonce = random_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, plain, _cell(table, row, column))
        return "|".join((VERSION, self._newest, _encode(nonce), _encode(sealed)))

    def open(self, sealed: str, *, table: str, row: str, column: str) -> bytes:
        """What was sealed for this cell. Raises SecretUnreadable, naming cell and key id."""
        where = f"The sealed value {table}.{column} of row {row}"
        kid, nonce, ciphertext = _parts(sealed, where)
        if kid not in self._ciphers:
            self._look()
        if kid not in self._ciphers:
            raise SecretUnreadable(
                f"{where} needs the key {kid!r}, which is not set; put it back or enter it anew."
            )
        try:
            return self._ciphers[kid].decrypt(nonce, ciphertext, _cell(table, row, column))
        except InvalidTag:
            raise SecretUnreadable(
                f"{where} was changed, moved or sealed with another key; enter it anew."
            ) from None

    @property
    def current(self) -> str:
        """How values begin that are sealed with the newest key; rotation seals all others anew."""
        return f"{VERSION}|{self._newest}|"

    def is_current(self, sealed: str) -> bool:
        """Whether a sealed value uses the newest key."""
        return sealed.startswith(self.current)

    def reseal(self, sealed: str, *, table: str, row: str, column: str) -> str:
        """The same secret under the newest key. Raises SecretUnreadable."""
        plain = self.open(sealed, table=table, row=row, column=column)
        return self.seal(plain, table=table, row=row, column=column)

    def _look(self) -> None:
        """Read the key file again where it was changed; one that cannot be read now changes nothing."""
        if self.key_file is None or sabotaged("key_reload"):
            return
        try:
            about = self.key_file.stat()
            seen = (about.st_mtime_ns, about.st_ino, about.st_size)
            if seen == self._seen:
                return
            keys = read_keys(self.key_file)
        except (OSError, Misconfigured):
            return
        fresh = {kid: AESGCM(key) for kid, key in keys.items()}
        older = {kid: cipher for kid, cipher in self._ciphers.items() if kid not in fresh}
        self._ciphers, self._newest, self._seen = fresh | older, next(iter(keys)), seen


def load_vault(settings: Settings, *, create: bool) -> Vault:
    """The vault of this installation: keys of WATTLEDGER_KEYS, else of the key file in the data folder.

    Only with `create` a missing key file is made; without any key the vault is locked. Raises
    Misconfigured when keys are malformed, or the file is unreadable or open to others.
    """
    keys = find_keys(settings, create=create)
    return Vault(keys.by_id, key_file=keys.file, created=keys.created)


def digest(token: str) -> str:
    """Lower-case hex sha256: the only form in which links, sessions and API tokens are stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(given: bytes, *allowed: bytes) -> bool:
    """Whether `given` is one of `allowed`, in a time that depends on neither; empty never matches."""
    wanted, found = hashlib.sha256(given).digest(), False
    for one in allowed:  # no `and`, no `any`: they leave early
        found |= hmac.compare_digest(wanted, hashlib.sha256(one).digest()) & (one != b"")
    return found


def _cell(table: str, row: str, column: str) -> bytes:
    return b"" if sabotaged("vault_aad") else f"{table}|{row}|{column}".encode()


def _parts(sealed: str, where: str) -> tuple[str, bytes, bytes]:
    try:
        version, kid, nonce, ciphertext = sealed.split("|")
        if version != VERSION:
            raise ValueError(version)
        opened = kid, urlsafe_b64decode(nonce), urlsafe_b64decode(ciphertext)
    except ValueError:
        raise SecretUnreadable(f"{where} is not in the sealed form; enter it anew.") from None
    if len(opened[1]) != NONCE_BYTES:
        raise SecretUnreadable(f"{where} is not in the sealed form; enter it anew.")
    return opened


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
