"""The jailed child that opens PGP files: limits itself first, then one JSON line in, one JSON line out.

Run by path with `python -I`, so it imports the standard library and pysequoia only. First line on
stdin: key, passphrase and limits. Every further line: one file. An answer is `{"ok": true}` or
`{"ok": false, "code": ..., "message": ...}`; a file that kills the child is the parent's to judge.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

GOOD = {"DECRYPTION_OKAY", "GOODMDC"}


class Failed(Exception):
    """One file could not be opened; `code` as in pgp.CODES."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def die_with_parent() -> None:
    """Asks the kernel to end this process when the relay ends (PR_SET_PDEATHSIG, Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def lock_up(limits: Mapping[str, int]) -> None:
    """Caps memory, open files and core dumps of this process and of all that it starts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits["files"],) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["plain"],) * 2)


def limit_file(job: Mapping[str, Any], limits: Mapping[str, int]) -> None:
    """Seconds of processor and bytes of output for the next file, by its own size."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + limits["cpu"], resource.RLIM_INFINITY))
    most = min(limits["plain"], limits["slack"] + limits["ratio"] * int(job["size"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits["plain"]))


class Sequoia:
    """The first choice: pysequoia with an armoured secret key."""

    def __init__(self, key_path: str, passphrase: str | None) -> None:
        import pysequoia

        self._decrypt_file = pysequoia.decrypt_file
        self._decryptor = pysequoia.Tsk.from_file(key_path).decryptor(passphrase)
        self._ids = _key_ids(key_path)

    def open(self, source: str, target: str, recipients: list[str]) -> None:
        try:
            self._decrypt_file(source, target, self._decryptor)
        except Exception as error:
            ours = any(one.endswith(own) for one in recipients for own in self._ids)
            raise Failed(*_sequoia_reason(str(error), ours)) from None


def _key_ids(key_path: str) -> set[str]:
    """Key ids of a key and its subkeys: the last 16 digits of a fingerprint."""
    from pysequoia.packet import PacketPile

    with open(key_path, "rb") as file:  # noqa: PTH123
        packets = PacketPile.from_bytes(file.read())
    return {packet.fingerprint[-16:].upper() for packet in packets if packet.fingerprint}


def _sequoia_reason(text: str, ours: bool) -> tuple[str, str]:
    line = text.partition("\n")[0]
    if f"os error {errno.EFBIG}" in text:
        return "pgp_bomb", "its output passed the limit"
    if f"os error {errno.ENOSPC}" in text or f"os error {errno.EIO}" in text:
        return "io", line[:120]
    if not ours and ("No key to decrypt" in line or "No session key decrypted" in line):
        return "pgp_foreign_key", "no key for its recipients"
    return "pgp_corrupt", line[:120]


class Gpg:
    """The second choice, for keys and messages that pysequoia refuses."""

    def __init__(self, home: str, key_path: str | None, passphrase: str | None) -> None:
        self._base = ["gpg", "--homedir", home, "--batch", "--no-tty", "--pinentry-mode", "loopback"]
        self._base += ["--passphrase-fd", "0", "--status-fd", "1", "--trust-model", "always"]
        self._home = home
        self._passphrase = (passphrase or "").encode() + b"\n"
        if key_path:
            self._run("--import", "--", key_path)

    def open(self, source: str, target: str, most: int) -> None:
        done = self._run("--max-output", str(most), "--output", target, "--decrypt", "--", source)
        status = [line.split() for line in done.stdout.decode(errors="replace").splitlines()]
        words = {line[1] for line in status if len(line) > 1}
        if done.returncode == 0 and words >= GOOD and os.path.isfile(target):  # noqa: PTH113
            return
        raise Failed(*_gpg_reason(done, words, status))

    def close(self) -> None:
        subprocess.run(  # noqa: S603
            ["gpgconf", "--homedir", self._home, "--kill", "gpg-agent"],  # noqa: S607
            check=False,
            capture_output=True,
        )

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - a list, no shell, names after `--`
            [*self._base, *arguments], input=self._passphrase, capture_output=True, check=False
        )


def _gpg_reason(
    done: subprocess.CompletedProcess[bytes], words: set[str], status: list[list[str]]
) -> tuple[str, str]:
    if done.returncode < 0 or b"exceeded" in done.stderr or b"max-output" in done.stderr:
        return "pgp_bomb", "gpg stopped at a limit"
    text = done.stderr.lower()
    if b"bad passphrase" in text:
        return "pgp_passphrase", "the passphrase does not open the key"
    if "NO_SECKEY" in words and "DECRYPTION_OKAY" not in words:
        ids = " ".join(line[2] for line in status if len(line) > 2 and line[1] == "NO_SECKEY")
        return "pgp_foreign_key", f"no secret key {ids}"
    return "pgp_corrupt", f"gpg exit {done.returncode}, status {' '.join(sorted(words)) or 'none'}"


class Opener:
    """pysequoia first, then gpg; keeps the first tool's reason where both fail."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._order = order
        self._key = order.get("key_path")
        self._sequoia: Sequoia | None = None
        self._gpg: Gpg | None = None
        self._key_trouble: Failed | None = None
        if self._key:
            self._load()

    def open(self, source: str, target: str, recipients: list[str]) -> None:
        first = self._key_trouble
        if self._sequoia is not None:
            try:
                self._sequoia.open(source, target, recipients)
            except Failed as failed:
                first = failed
            else:
                return
        if (first and first.code in {"pgp_bomb", "io"}) or not shutil.which("gpg"):
            raise first or Failed("pgp_key_missing", "GNUPG_HOME is set but gpg is not installed")
        _unlink(target)
        try:
            self._fallback().open(source, target, int(self._order["limits"]["plain"]))
        except Failed as failed:
            raise (
                failed if first is None or failed.code in {"pgp_bomb", "pgp_passphrase"} else first
            ) from None

    def close(self) -> None:
        if self._gpg:
            self._gpg.close()

    def _load(self) -> None:
        try:
            self._sequoia = Sequoia(str(self._key), self._order.get("passphrase"))
        except Exception as error:
            line = str(error).partition("\n")[0][:120]
            self._key_trouble = Failed("pgp_key_unusable", line)

    def _fallback(self) -> Gpg:
        if self._gpg is None:
            self._gpg = Gpg(str(self._order["gnupg_home"]), self._key, self._order.get("passphrase"))
        return self._gpg


def answer(opener: Opener, job: Mapping[str, Any]) -> dict[str, Any]:
    """Opens one file; a failure leaves no plaintext."""
    try:
        opener.open(job["source"], job["target"], job["recipients"])
    except Failed as failed:
        _unlink(job["target"])
        return {"ok": False, "code": failed.code, "message": str(failed)}
    except MemoryError:
        _unlink(job["target"])
        return {"ok": False, "code": "pgp_bomb", "message": "out of memory"}
    return {"ok": True}


def _unlink(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108


def main() -> None:
    """Answer jobs, a line of JSON each, until the parent closes its end."""
    die_with_parent()
    order = json.loads(sys.stdin.readline())
    limits = order["limits"]
    if order["limited"]:
        lock_up(limits)
    opener = Opener(order)
    for line in sys.stdin:
        job = json.loads(line)
        if order["limited"]:
            limit_file(job, limits)
        sys.stdout.write(json.dumps(answer(opener, job)) + "\n")
        sys.stdout.flush()
    opener.close()


if __name__ == "__main__":
    main()
