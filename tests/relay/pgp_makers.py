"""Makers of PGP messages that no honest sender makes, and of keys by gpg."""

from __future__ import annotations

import base64
import subprocess
import zlib
from pathlib import Path
from random import Random

from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys
from wattledger.simulators.pgp import PgpPair

PHRASE = "a passphrase of tests"


def pair() -> PgpPair:
    """Another person's key."""
    return PgpPair.make("Other <other@example.org>")


def packet(tag: int, body: bytes) -> bytes:
    """One new-format packet with a five-byte length."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def literal(body: bytes) -> bytes:
    """A literal packet: a message that was never encrypted."""
    return packet(11, b"b\x00\x00\x00\x00\x00" + body)


def compressed(message: bytes) -> bytes:
    """A compressed packet (zlib)."""
    return packet(8, b"\x02" + zlib.compress(message))


def armoured(message: bytes) -> bytes:
    """ASCII armour without a checksum."""
    return b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(message) + b"-----END PGP MESSAGE-----\n"


def mutated(message: bytes, chance: Random) -> bytes:
    """The message with one flip, cut, swap or insertion."""
    body, at = bytearray(message), chance.randrange(len(message))
    kind = chance.randrange(4)
    if kind == 0:
        body[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del body[at:]
    elif kind == 2:
        del body[at : at + chance.randrange(1, 20)]
    else:
        body[at:at] = chance.randbytes(chance.randrange(1, 20))
    return bytes(body)


def gpg_key(folder: Path) -> tuple[PgpKeys, Path]:
    """A key made by gpg with a passphrase: as an armoured file, and the home it lies in."""
    home = folder / "g"
    home.mkdir(mode=0o700)
    _gpg(home, "--quick-gen-key", "Relay <relay@example.org>", "future-default", "default", "never")
    armoured_key = _gpg(home, "--armor", "--export-secret-keys")
    (folder / "secret.asc").write_bytes(armoured_key)
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True, capture_output=True)
    return PgpKeys(folder / "secret.asc", PHRASE), home


def gpg_encrypt(home: Path, plain: bytes, *more: str) -> bytes:
    """A message to the home's key, compressed as gpg does by itself."""
    source, target = home / "plain", home / "cipher"
    source.write_bytes(plain)
    _gpg(
        home,
        *more,
        "--yes",
        "--trust-model",
        "always",
        "-r",
        "relay@example.org",
        "-o",
        str(target),
        "-e",
        str(source),
    )
    return target.read_bytes()


def _gpg(home: Path, *arguments: str) -> bytes:
    base = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "-q",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        PHRASE,
    ]
    return subprocess.run([*base, *arguments], check=True, capture_output=True).stdout
