"""PGP: opens encrypted files in a limited child process, one child per batch.

The child caps its own memory, processor, output and open files; we cap its time and end its whole
process group. Whatever fails leaves no plaintext behind and says which of the reasons below it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from wattledger.config import Settings
from wattledger.connectors.smart_meter_texas.drop.pgp_packets import HEAD, looks_encrypted, shape
from wattledger.errors import BadPayload
from wattledger.faults import sabotaged

__all__ = ["CODES", "Limits", "Opened", "PgpKeys", "looks_encrypted", "open_files", "open_pgp"]

MEBIBYTE = 1 << 20
CHILD = Path(__file__).with_name("pgp_child.py")

CODES = {
    "pgp_corrupt": "It is truncated or was changed on its way ({detail}). Ask for it again, or wait: "
    "a new remote version is fetched by itself.",
    "pgp_foreign_key": "It was encrypted to another key ({detail}). Import the key it names: with "
    "another key it goes round again by itself.",
    "pgp_key_missing": "There is no key to open it with ({detail}). Set SMT_PGP_KEY_PATH or GNUPG_HOME.",
    "pgp_key_unusable": "The secret key of SMT_PGP_KEY_PATH can't be used ({detail}). Check the file and "
    "SMT_PGP_PASSPHRASE.",
    "pgp_passphrase": "SMT_PGP_PASSPHRASE does not open the key ({detail}).",
    "pgp_bomb": "It grows beyond what a real file needs ({detail}).",
    "pgp_ended": "The process that opened it was ended from outside ({detail}).",
    "pgp_timeout": "Opening it took too long ({detail}).",
    "pgp_not_encrypted": "It is a PGP message that was never encrypted ({detail}); anyone can make one.",
    "pgp_too_large": "It is larger than an encrypted file may be ({detail}).",
    "io": "It could not be written ({detail}). Check the disk of the spool.",
}
OPERATOR = frozenset({"pgp_key_missing", "pgp_key_unusable", "pgp_passphrase", "io"})
"""codes that an operator mends; the file itself may be fine"""
PASSING = frozenset({"pgp_timeout", "pgp_ended"})
"""codes that say nothing of the file: it is tried again"""
FOREIGN = "pgp_foreign_key"
OUTSIDE = frozenset({-signal.SIGKILL, -signal.SIGTERM})
"""ends that no limit of the child causes: of processor time it dies by SIGXCPU, of memory by SIGABRT"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds and counts that one file may cost. `ratio` counts above `slack` bytes of output."""

    cipher: int = 64 * MEBIBYTE
    plain: int = 256 * MEBIBYTE
    slack: int = MEBIBYTE
    ratio: int = 200
    memory: int = 512 * MEBIBYTE
    cpu: int = 20
    wall: int = 60
    files: int = 64


@dataclass(frozen=True, slots=True)
class PgpKeys:
    """Where the secret key is: an armoured file (with its passphrase), else a GnuPG home."""

    key_path: Path | None = None
    passphrase: str | None = field(default=None, repr=False)
    gnupg_home: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> PgpKeys:
        phrase = settings.smt_pgp_passphrase
        home = None if settings.smt_pgp_key_path else settings.gnupg_home
        return cls(settings.smt_pgp_key_path, phrase.get_secret_value() if phrase else None, home)

    def mark(self) -> str:
        """A word that another key changes; empty where there is none."""
        place = self.key_path or (self.gnupg_home and self.gnupg_home / "private-keys-v1.d")
        try:
            about = place.stat() if place else None
        except OSError:
            return ""
        return f"{about.st_mtime_ns}-{about.st_ino}-{about.st_size}" if about else ""

    def missing(self) -> str | None:
        """What is wrong with the place of the key; None where it is there."""
        if self.key_path is None and self.gnupg_home is None:
            return "none is configured"
        place = self.key_path or self.gnupg_home
        return None if place and os.access(place, os.R_OK) else f"{place} cannot be read"


@dataclass(frozen=True, slots=True)
class Opened:
    """One file's outcome: `target` holds its plaintext, or `error` says why there is none."""

    source: Path
    target: Path
    error: BadPayload | None = None


async def open_files(
    jobs: Sequence[tuple[Path, Path]], keys: PgpKeys, limits: Limits | None = None
) -> list[Opened]:
    """Opens encrypted files (source, target) in order, in one limited child; never raises for a file."""
    limits = limits or Limits()
    done: list[Opened] = []
    async with _Jail(keys, limits) as jail:
        for source, target in jobs:
            problem = _unfit(source, keys, limits) or await jail.open(source, target)
            if problem:
                target.unlink(missing_ok=True)
            done.append(Opened(source, target, problem and _error(*problem)))
    return done


async def open_pgp(ciphertext: bytes, keys: PgpKeys, limits: Limits | None = None) -> bytes:
    """The plaintext of one message. Raises BadPayload with a code of CODES."""
    with tempfile.TemporaryDirectory(prefix="wattledger-pgp-") as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(ciphertext)
        (opened,) = await open_files([(source, target)], keys, limits)
        if opened.error:
            raise opened.error
        return target.read_bytes()


Problem = tuple[str, str]


def _error(code: str, detail: str) -> BadPayload:
    known = code if code in CODES else "pgp_corrupt"
    return BadPayload(
        "This PGP file was not opened. " + CODES[known].format(detail=detail or "no detail"), known
    )


def _unfit(source: Path, keys: PgpKeys, limits: Limits) -> Problem | None:
    if (trouble := keys.missing()) is not None:
        return "pgp_key_missing", trouble
    if (size := source.stat().st_size) > limits.cipher:
        return "pgp_too_large", f"{size} bytes, at most {limits.cipher}"
    with source.open("rb") as file:
        found = shape(file.read(HEAD))
    if not found.encrypted and not found.recipients:
        return "pgp_not_encrypted", "no session key and no encrypted data in it"
    return None


class _Jail:
    """The child and its replacement after a death. One file at a time goes in."""

    def __init__(self, keys: PgpKeys, limits: Limits) -> None:
        self._keys = keys
        self._limits = limits
        self._child: asyncio.subprocess.Process | None = None
        self._home: str | None = None

    async def __aenter__(self) -> _Jail:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end(gently=kind is None)

    async def open(self, source: Path, target: Path) -> Problem | None:
        child = self._child or await self._start()
        assert child.stdin and child.stdout
        job = {
            "source": str(source),
            "target": str(target),
            "size": source.stat().st_size,
            "recipients": recipients_of(source),
        }
        try:
            child.stdin.write(json.dumps(job).encode() + b"\n")
            line = await asyncio.wait_for(child.stdout.readline(), self._limits.wall)
        except TimeoutError:
            await self._end()
            return "pgp_timeout", f"more than {self._limits.wall} s"
        except ConnectionError:
            line = b""
        if not line:
            return await self._died()
        return _judge(json.loads(line), source)

    async def _start(self) -> asyncio.subprocess.Process:
        self._home = tempfile.mkdtemp(prefix="wattledger-gpg-")
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C", "LC_ALL": "C"},
        )
        assert self._child.stdin
        self._child.stdin.write(json.dumps(self._order()).encode() + b"\n")
        return self._child

    def _order(self) -> dict[str, Any]:
        key = self._keys.key_path
        return {
            "key_path": str(key) if key else None,
            "passphrase": self._keys.passphrase,
            "gnupg_home": self._home if key else str(self._keys.gnupg_home),
            "limits": asdict(self._limits),
            "limited": not sabotaged("pgp_limits"),
        }

    async def _died(self) -> Problem:
        child = self._child
        code = await child.wait() if child else 0
        await self._end()
        if code in OUTSIDE:
            return "pgp_ended", f"by {signal.Signals(-code).name}"
        return "pgp_bomb", f"the limited child ended with {signal.Signals(-code).name if code < 0 else code}"

    async def _end(self, gently: bool = False) -> None:
        child, self._child = self._child, None
        if child is not None:
            await _stop(child, gently)
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None


async def _stop(child: asyncio.subprocess.Process, gently: bool) -> None:
    if gently and child.stdin:
        child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 5)
        except TimeoutError:
            gently = False
    with suppress(ProcessLookupError):  # all of the group may be gone already
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()


def _judge(answer: dict[str, Any], source: Path) -> Problem | None:
    if answer["ok"]:
        return None
    code, detail = str(answer["code"]), str(answer["message"])
    if code == "pgp_foreign_key":
        detail = "recipients " + (", ".join(recipients_of(source)) or "not named")
    return code, detail


def recipients_of(source: Path) -> list[str]:
    """The key ids that a file names as its recipients."""
    with source.open("rb") as file:
        return list(shape(file.read(HEAD)).recipients)
