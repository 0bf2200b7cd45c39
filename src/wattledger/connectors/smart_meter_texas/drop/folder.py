"""The vendor's SFTP drop: sign-in by OpenSSH key, a pinned host key, plain files only, nothing deleted.

Names on the other side are bytes without a promise: they are shown, never used as a local path.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncssh

from wattledger.config import Settings
from wattledger.errors import BadPayload, Misconfigured, NotFound, TryLater
from wattledger.faults import sabotaged

HOST_KEY_ALGORITHMS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
CIPHERS = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""asked for first: the quickest of all that the library knows; it falls back to the others"""
LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
T = TypeVar("T")
BLOCK = 256 * 1024
LARGEST = 256 << 20
RE_PIN = (
    "If the vendor has announced a new key, compare its fingerprint with theirs and pin it: "
    "`wattledger relay pin`. Nothing was fetched."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the drop is and how to sign in. Times in seconds."""

    host: str
    port: int
    user: str
    key_path: Path
    known_hosts: Path
    connect: float = 15
    login: float = 20
    idle: float = 30
    keepalive: float = 10

    @classmethod
    def of(cls, settings: Settings) -> Place:
        """Raises Misconfigured naming the first variable that is missing or can't be read."""
        if not settings.smt_sftp_user:
            raise Misconfigured("SMT_SFTP_USER is not set: the SFTP user name that the vendor gave you.")
        key = _readable(settings.smt_sftp_key_path, "SMT_SFTP_KEY_PATH", "your OpenSSH private key")
        hosts = _readable(
            settings.smt_sftp_known_hosts, "SMT_SFTP_KNOWN_HOSTS", "written by `wattledger relay pin`"
        )
        return cls(settings.smt_sftp_host, settings.smt_sftp_port, settings.smt_sftp_user, key, hosts)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One regular file in a remote folder. `size` in bytes, `mtime` UTC epoch seconds."""

    folder: str
    path: bytes
    size: int
    mtime: int

    @property
    def name(self) -> str:
        """The last part of its path, fit to be shown; bytes that are no UTF-8 are escaped."""
        return self.path.rpartition(b"/")[2].decode("utf-8", "backslashreplace")


class Drop:
    """An open session. Every call is bounded by the idle time; one that is not answered ends the session."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient, idle: float
    ) -> None:
        self._connection = connection
        self._sftp = sftp
        self._idle = idle

    async def listing(self, folder: str) -> AsyncIterator[RemoteFile]:
        """Regular files of one folder as the server gives them, a block at a time.

        Raises NotFound when the folder is missing, TryLater when the server stops answering.
        """
        base = folder.encode().rstrip(b"/") or b"/"
        entries = aiter(self._sftp.scandir(base))
        while True:
            with _our_errors(f"listing {folder}"):
                entry = await self._bounded(anext(entries, None))
            if entry is None:
                return
            if found := _regular(folder, base, entry):
                yield found

    async def fetch(self, file: RemoteFile, write: Callable[[bytes], object]) -> None:
        """Copies a file block by block. Raises BadPayload `changed` when it is not what was listed."""
        with _our_errors(f"reading {file.name!r} in {file.folder}"):
            if not sabotaged("settle"):
                await self._check(file)
            got = await self._copy(file, write)
            if sabotaged("settle"):
                return
            await self._check(file)
        if got != file.size:
            raise _changed(file)

    async def _copy(self, file: RemoteFile, write: Callable[[bytes], object]) -> int:
        remote = await self._bounded(self._sftp.open(file.path, "rb"))
        got = 0
        try:
            while got < file.size:
                block = await self._bounded(remote.read(min(BLOCK, file.size - got), got))
                if not block:
                    break
                assert isinstance(block, bytes)
                write(block)
                got += len(block)
        finally:
            await self._bounded(remote.close())
        return got

    async def _bounded(self, call: Awaitable[T]) -> T:
        """The answer, within the idle time. The library waits for the server even when it is cancelled,
        so a call that is given up takes the connection along."""
        task = asyncio.ensure_future(call)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._idle)
        except asyncio.CancelledError:
            self._give_up(task)
            raise
        if not done:
            self._give_up(task)
            raise TimeoutError
        return task.result()

    def _give_up(self, task: asyncio.Future[T]) -> None:
        self._connection.abort()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        task.cancel()

    async def _check(self, file: RemoteFile) -> None:
        found = await self._bounded(self._sftp.lstat(file.path))
        regular = stat.S_ISREG(found.permissions or 0)
        if not regular or (found.size, found.mtime) != (file.size, file.mtime):
            raise _changed(file)


@asynccontextmanager
async def open_drop(place: Place) -> AsyncIterator[Drop]:
    """A signed-in session. Raises Misconfigured for keys, TryLater for the network."""
    key = private_key(place.key_path)
    with _our_errors(f"signing in at {place.host}:{place.port}"):
        connection = await asyncio.wait_for(_connect(place, key), place.connect + place.login)
    try:
        with _our_errors("opening the SFTP session"):
            sftp = await asyncio.wait_for(connection.start_sftp_client(path_encoding=None), place.idle)
        yield Drop(connection, sftp, place.idle)
    finally:
        connection.abort()


def private_key(path: Path) -> asyncssh.SSHKey:
    """The OpenSSH private key; its comment is of no account. Raises Misconfigured."""
    try:
        return asyncssh.read_private_key(path)
    except (OSError, ValueError) as error:
        detail = (
            "it is locked with a passphrase" if "assphrase" in str(error) else "it cannot be read as a key"
        )
        raise Misconfigured(
            f"SMT_SFTP_KEY_PATH: {detail}; give an OpenSSH private key without one."
        ) from None


async def _connect(place: Place, key: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
    try:
        return await asyncssh.connect(
            place.host,
            place.port,
            username=place.user,
            client_keys=[key],
            known_hosts=None if sabotaged("host_key") else str(place.known_hosts),
            server_host_key_algs=list(HOST_KEY_ALGORITHMS),
            encryption_algs=CIPHERS,
            agent_path=None,
            config=None,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_host=None,
            connect_timeout=place.connect,
            login_timeout=place.login,
            keepalive_interval=place.keepalive,
            keepalive_count_max=3,
        )
    except asyncssh.HostKeyNotVerifiable:
        raise Misconfigured(
            f"SMT_SFTP_KNOWN_HOSTS: the host key of {place.host}:{place.port} is not the pinned one. "
            + RE_PIN
        ) from None
    except asyncssh.PermissionDenied:
        raise Misconfigured(
            f"{place.host} refused user {place.user!r} with the key of SMT_SFTP_KEY_PATH; "
            "check both, and that the vendor has your public key."
        ) from None


class _our_errors:  # noqa: N801 - reads as a statement
    """Turns the library's and the network's errors into ours, saying what was being done."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
            raise NotFound(f"SFTP: while {self._doing}: there is no such file or folder.") from None
        if isinstance(error, asyncssh.SFTPError) and not isinstance(error, LOST):
            raise BadPayload(
                f"SFTP: the server refuses {self._doing} ({error.reason}).", "remote_refused"
            ) from None
        if isinstance(error, TimeoutError | asyncssh.TimeoutError):
            raise TryLater(f"SFTP: no answer while {self._doing}.") from None
        if isinstance(error, OSError | asyncssh.Error):
            raise TryLater(f"SFTP: {type(error).__name__} while {self._doing}.") from None


def _regular(folder: str, base: bytes, entry: asyncssh.SFTPName) -> RemoteFile | None:
    attributes = entry.attrs
    name = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
    if not stat.S_ISREG(attributes.permissions or 0) or b"/" in name or attributes.size is None:
        return None
    return RemoteFile(folder, base + b"/" + name, attributes.size, attributes.mtime or 0)


def _changed(file: RemoteFile) -> BadPayload:
    return BadPayload(f"{file.name} changed while it was read; the next cycle takes it whole.", "changed")


def _readable(path: Path | None, variable: str, what: str) -> Path:
    if path is None:
        raise Misconfigured(f"{variable} is not set: {what}.")
    if not path.is_file():
        raise Misconfigured(f"{variable} names no readable file: {what}.")
    return path
