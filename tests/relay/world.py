"""Everything around a relay, real but on loopback: the vendor's drop, a hub, keys and a clock to turn."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.relay.hub_double import HubDouble
from wattledger.config import Settings
from wattledger.relay.cycle import Cycle, Job
from wattledger.relay.report import Line
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.sftp import SftpSimulator

SECRET = "a-webhook-secret-of-tests"
ADMIN = "an-admin-token-of-tests"
CSV = b"ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH\n"


class TurnedClock:
    """The machine's clock plus what a test has turned it forward by."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.ticks = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        import time

        return time.monotonic() + self.ahead.total_seconds()

    def turn(self, **time: float) -> None:
        self.ahead += timedelta(**time)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def zipped(**members: bytes) -> bytes:
    """A ZIP of members named by keyword; `__` in a keyword is a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__", "."), body)
    return out.getvalue()


def csv(number: int, rows: int = 96) -> bytes:
    """A file that differs from every other by its number."""
    return CSV + b"".join(b"'1044372000000%04d,%d\n" % (number, row) for row in range(rows))


@dataclass
class World:
    """What one test plays with."""

    root: Path
    drop: SftpSimulator
    hub: HubDouble
    pair: PgpPair
    clock: TurnedClock = field(default_factory=TurnedClock)
    lines: list[Line] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def settings(self, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "data": self.root,
            "hub_url": self.hub.url,
            "webhook_secret": SECRET,
            "admin_token": ADMIN,
            "smt_sftp_host": self.drop.host,
            "smt_sftp_port": self.drop.port,
            "smt_sftp_user": self.drop.user,
            "smt_sftp_key_path": self.root / "id_ed25519",
            "smt_sftp_known_hosts": self.root / "known_hosts",
            "smt_sftp_settle_seconds": 0,
            "smt_inbox_dir": self.inbox,
            "smt_pgp_key_path": self.root / "pgp.asc",
            "relay_port": 0,
        }
        return Settings(**(values | changes))

    def cycle(self, **changes: Any) -> Cycle:
        return Cycle(self.settings(**changes), self.clock, self.lines.append)

    async def run(self, **changes: Any) -> Line:
        """One cycle of a relay that starts anew."""
        return await self.cycle(**changes).run(Job("test"))

    def put(self, name: str, body: bytes, **place: Any) -> None:
        """An encrypted file in the drop."""
        self.drop.put(name, self.pair.encrypt(body), **place)

    def files(self, folder: str) -> list[str]:
        """Names of bodies in a spool folder."""
        return sorted(p.name for p in (self.inbox / folder).iterdir() if p.suffix != ".json")
