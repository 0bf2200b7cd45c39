"""What the utility drops during a run, chosen by a seed, and what must come of it: kept by content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from wattledger import connectors
from wattledger.clock import SystemClock
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.simulators.home import Home
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_files import daily_csv, file_name, interval_csv, zipped
from wattledger.store import open_store

HOMES = tuple(Home(f"1044372{n:010d}", seed=n, solar=n == 3) for n in range(1, 7))
FIRST = date(2025, 1, 1)
MOVED = (date(2025, 3, 9), date(2025, 11, 2))
"""the days on which the clock moves"""
KINDS = {"new": 50, "revised": 15, "again": 10, "moved": 6, "daily": 6, "year": 1, "nonsense": 3}
BROKEN = {"cut": 2, "empty": 1, "strange": 1}
CODES = {"cut": {"pgp_corrupt"}, "empty": {"empty"}, "strange": {"pgp_foreign_key"}}
Fate = tuple[str, str, str | None]
"""state, kind and reason of a payload"""


@dataclass
class Feed:
    """Drops files; `bodies` are the distinct payloads by sha256, `broken` the names that can't be opened."""

    vendor: SmtSimulator
    random: Random
    bodies: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, set[str]] = field(default_factory=dict)
    files: int = 0
    _days: int = 0
    _past: list[tuple[Home, int, bool]] = field(default_factory=list)

    def drop(self) -> None:
        """One more file."""
        self.files += 1
        kinds = KINDS | BROKEN
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        if kind in BROKEN:
            self._break(kind)
        else:
            getattr(self, f"_{kind}")()

    def _new(self) -> None:
        number, self._days = self._days, self._days + 1
        self._say(HOMES[number % len(HOMES)], number // len(HOMES))

    def _revised(self) -> None:
        self._again(True)

    def _again(self, revised: bool = False) -> None:
        if self._past:
            home, day, before = self.random.choice(self._past)
            self._say(home, day, revised or before)

    def _moved(self) -> None:
        when = self.random.choice(MOVED)
        self._say(self.random.choice(HOMES), (when - FIRST).days, self.random.random() < 0.3)

    def _daily(self) -> None:
        home, day = self.random.choice(HOMES), self.random.randrange(300)
        self._say(home, day, with_daily=True)

    def _year(self) -> None:
        self._say(self.random.choice(HOMES), 0, count=365)

    def _nonsense(self) -> None:
        body = f"ESIID,USAGE_DATE\nnothing that a meter says, {self.files}\n".encode()
        self._keep(body)
        self._put(self.vendor.pgp.encrypt(zipped({"IntervalMeterUsage.CSV": body})), body)

    def _say(
        self, home: Home, day: int, revised: bool = False, count: int = 1, with_daily: bool = False
    ) -> None:
        days = list(home.days(date.fromordinal(FIRST.toordinal() + day), count))
        self.vendor.drop_file(home, days, revised=revised, with_daily=with_daily)
        self._keep(interval_csv(home, days, revised))
        if with_daily:
            self._keep(daily_csv(home, days))
        if count == 1:
            self._past.append((home, day, revised))

    def _break(self, kind: str) -> None:
        body = interval_csv(HOMES[0], list(HOMES[0].days(date(2030, 1, 1), 1)))
        whole = zipped({"a.CSV": body + f"{self.files}".encode()})
        self.broken[self._put(self._spoilt(kind, whole), whole)] = CODES[kind]

    def _spoilt(self, kind: str, whole: bytes) -> bytes:
        if kind == "empty":
            return b""
        if kind == "cut":
            return self.vendor.pgp.encrypt(whole, armor=False)[: -len(whole) // 2]
        return PgpPair.make("Stranger <stranger@wattledger.example>").encrypt(whole)

    def _put(self, message: bytes, about: bytes) -> str:
        word = hashlib.md5(about + str(self.files).encode(), usedforsecurity=False).hexdigest()
        name = f"{file_name(self.vendor.clock.now(), word)}.{self.vendor.duns}.asc"
        self.vendor.sftp.put(name, message)
        return name

    def _keep(self, body: bytes) -> None:
        self.bodies.setdefault(hashlib.sha256(body).hexdigest(), body)

    async def undisturbed(self, folder: Path) -> tuple[str, dict[str, Fate]]:
        """Digest and fates where nothing goes wrong."""
        store = await open_store(
            f"sqlite:///{folder / 'calm.db'}", data=folder, parse=connectors.parse, vault=Vault({})
        )
        try:
            site, fates = (await store.sites.default()).id, {}
            for sha256, body in self.bodies.items():
                connector = connectors.recognise(body) or "smart_meter_texas"
                said = Payload(connector, Source.RELAY, body, SystemClock().now())
                done = await store.payloads.deliver(site, said)
                fates[sha256] = done.state, done.kind, done.reason
            return await store.digest(), fates
        finally:
            await store.close()
