"""A real SFTP server on loopback: key sign-in only, two vendor folders, read only, and scriptable faults."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh

from wattledger.simulators.http import LOOPBACK

FOLDERS = ("adhocusage", "EnrollmentReports")
WRITING = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


@dataclass
class SftpFaults:
    """What goes wrong, changeable at any time. Names in `hang`: login, list, open, read."""

    hang: set[str] = field(default_factory=set)
    read_delay: float = 0.0
    """seconds before each block is answered"""
    cut_at: int | None = None
    """the connection breaks when a read reaches this byte of a file"""
    refuse_login: bool = False
    lost: set[str] = field(default_factory=set)
    """file names that are listed but fail when opened"""


@dataclass
class SftpSimulator:
    """The vendor's drop: `async with SftpSimulator(folder) as drop`. Files live in `folder/adhocusage`."""

    root: Path
    user: str = "intellipath"
    folders: Sequence[str] = FOLDERS
    faults: SftpFaults = field(default_factory=SftpFaults)
    operations: list[tuple[str, str]] = field(default_factory=list)
    """what clients did: (login|list|open|refused, name)"""
    host: str = LOOPBACK
    port: int = 0

    def __post_init__(self) -> None:
        self.client_key = asyncssh.generate_private_key("ssh-ed25519", comment="relay@wattledger.example")
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def known_hosts_line(self) -> str:
        """The pin of the present host key, as a known_hosts line."""
        public = self.host_key.export_public_key().decode().strip()
        return f"[{self.host}]:{self.port} {' '.join(public.split()[:2])}\n"

    def folder(self, name: str = "adhocusage") -> Path:
        """Where the files of one remote folder lie."""
        return self.root / name

    def write_client_key(self, path: Path, comment: str | None = None) -> Path:
        """The client's OpenSSH private key as a file of mode 0600; another comment changes no key."""
        if comment is not None:
            self.client_key.set_comment(comment)
        path.touch(mode=0o600)
        path.write_bytes(self.client_key.export_private_key("openssh"))
        return path

    def write_known_hosts(self, path: Path) -> Path:
        """The pin as a known_hosts file."""
        path.write_text(self.known_hosts_line)
        return path

    def put(self, name: str, body: bytes, folder: str = "adhocusage", mtime: float | None = None) -> Path:
        """Lays a complete file into a remote folder at once."""
        target = self.folder(folder) / name
        part = self.root / f".part-{os.getpid()}"
        part.write_bytes(body)
        if mtime is not None:
            os.utime(part, (mtime, mtime))
        part.rename(target)
        return target

    async def grow(
        self, name: str, chunks: Sequence[bytes], every: float, folder: str = "adhocusage"
    ) -> None:
        """Writes a file piece by piece with pauses, as a slow upload on the vendor's side."""
        target = self.folder(folder) / name
        for chunk in chunks:
            with target.open("ab") as file:
                file.write(chunk)
            await asyncio.sleep(every)

    async def __aenter__(self) -> SftpSimulator:
        self.root.mkdir(parents=True, exist_ok=True)
        for name in self.folders:
            self.folder(name).mkdir(exist_ok=True)
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stops listening and cuts every connection; the port is remembered."""
        if self._acceptor is not None:
            self._acceptor.close()
            self.drop_connections()
            await self._acceptor.wait_closed()
            self._acceptor = None

    async def restart(self, new_host_key: bool = False) -> None:
        """Comes back on the same port, with another host key when asked."""
        await self.stop()
        if new_host_key:
            self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        await self._listen()

    def drop_connections(self) -> None:
        """Cuts every open connection without a word."""
        for connection in list(self._connections):
            connection.abort()

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            self.host,
            self.port,
            server_factory=lambda: _Door(self),
            server_host_keys=[self.host_key],
            sftp_factory=lambda channel: _Files(channel, self),
            allow_scp=False,
            agent_forwarding=False,
        )
        self.port = self._acceptor.get_port()


class _Door(asyncssh.SSHServer):
    """Lets in one user with one public key, and nobody else."""

    def __init__(self, simulator: SftpSimulator) -> None:
        self._simulator = simulator
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._simulator._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._simulator._connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        await _hang_if(self._simulator, "login")
        return True

    def password_auth_supported(self) -> bool:
        return False

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        simulator = self._simulator
        known = key.public_data == simulator.client_key.public_data
        allowed = known and username == simulator.user and not simulator.faults.refuse_login
        simulator.operations.append(("login" if allowed else "refused", username))
        return allowed


class _Files(asyncssh.SFTPServer):
    """The chrooted, read-only folders, with the scripted faults."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], simulator: SftpSimulator) -> None:
        super().__init__(channel, chroot=str(simulator.root).encode())
        self._simulator = simulator

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        self._simulator.operations.append(("list", path.decode()))
        await _hang_if(self._simulator, "list")
        async for name in super().scandir(path):
            yield name

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & WRITING:
            raise asyncssh.SFTPPermissionDenied("This folder is read only.")
        name = path.decode(errors="replace")
        self._simulator.operations.append(("open", name))
        await _hang_if(self._simulator, "open")
        if Path(name).name in self._simulator.faults.lost:
            raise asyncssh.SFTPFailure("Failure")
        return super().open(path, pflags, attrs)

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        faults = self._simulator.faults
        await _hang_if(self._simulator, "read")
        if faults.read_delay:
            await asyncio.sleep(faults.read_delay)
        if faults.cut_at is not None and offset + size > faults.cut_at:
            self._simulator.drop_connections()
            raise asyncssh.SFTPConnectionLost("cut")
        file_obj.seek(offset)
        return bytes(file_obj.read(size))

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("This folder is read only.")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("This folder is read only.")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("This folder is read only.")


async def _hang_if(simulator: SftpSimulator, what: str) -> None:
    while what in simulator.faults.hang:  # noqa: ASYNC110 - a test edits the set
        await asyncio.sleep(0.02)
