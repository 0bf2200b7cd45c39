"""A recipient's PGP key pair, and messages encrypted to it as the vendor does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pysequoia


@dataclass(frozen=True)
class PgpPair:
    """A fresh key pair. `secret` is the armoured secret key, `public` the armoured certificate."""

    secret: str = field(repr=False)
    public: str

    @classmethod
    def make(cls, user_id: str = "Relay <relay@wattledger.example>") -> PgpPair:
        """A new pair; about a millisecond."""
        key = pysequoia.Tsk.generate(user_id)
        return cls(str(key), str(key.extract_certificate()))

    @property
    def fingerprint(self) -> str:
        """Lower-case hex fingerprint of the primary key."""
        return str(pysequoia.Cert.from_bytes(self.public.encode()).fingerprint)

    def encrypt(self, plain: bytes, armor: bool = True) -> bytes:
        """An OpenPGP message that only this pair's secret key opens; armoured or binary."""
        recipient = pysequoia.Cert.from_bytes(self.public.encode())
        return bytes(pysequoia.encrypt(bytes=plain, recipients=[recipient], armor=armor))

    def decrypt(self, message: bytes) -> bytes:
        """The plain bytes, for checks; no limits: the relay opens messages in its own jail."""
        key = pysequoia.Tsk.from_bytes(self.secret.encode())
        return pysequoia.decrypt(message, key.decryptor()).bytes or b""

    def write_secret(self, path: Path) -> Path:
        """The armoured secret key as a file of mode 0600."""
        path.touch(mode=0o600)
        path.write_text(self.secret)
        return path
