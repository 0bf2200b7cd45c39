"""Smart Meter Texas on loopback: the SFTP drop and the REST API over the same simulated homes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from wattledger.clock import Clock, SystemClock
from wattledger.localday import day as calendar
from wattledger.localday import today
from wattledger.model import Flow
from wattledger.simulators import http
from wattledger.simulators.home import CENTRAL, Day, Home
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.sftp import SftpSimulator
from wattledger.simulators.smt_api import make_app
from wattledger.simulators.smt_files import daily_csv, file_name, interval_csv, zipped
from wattledger.simulators.smt_script import Call, Script

MONTH = 31
RECENT = 14
"""the newest days come in a file each, as from a subscription"""


@dataclass
class SmtSimulator:
    """`async with SmtSimulator(folder) as vendor`: `vendor.sftp`, `vendor.api_url`, `vendor.pgp`.

    Everything that was dropped is remembered in `truth`, so that a ledger can be compared to the watt-hour.
    """

    root: Path
    homes: Sequence[Home] = (Home(),)
    clock: Clock = field(default_factory=SystemClock)
    username: str = "INTELLIPATH"
    password: str = "simulated-password"
    duns: str = "134642921"
    integrated: bool = False
    token_seconds: float = 3600
    polls_until_read: int = 1

    def __post_init__(self) -> None:
        self.meters = {home.esiid: home for home in self.homes}
        self.sftp = SftpSimulator(self.root)
        self.pgp = PgpPair.make()
        self.script = Script()
        self.calls: list[Call] = []
        self.tokens: dict[str, datetime] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.last_read: dict[str, datetime] = {}
        self.pending_reads: dict[str, int] = {}
        self.agreements: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.truth: dict[tuple[str, Flow, int], tuple[bool, int]] = {}
        self.api_url = ""
        self._serial = count(1)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> SmtSimulator:
        await self._stack.enter_async_context(self.sftp)
        self.api_url = await self._stack.enter_async_context(http.serve(make_app(self)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def accepts(self, bearer: str) -> bool:
        """Whether this token was issued here and still lives."""
        expires = self.tokens.get(bearer)
        return expires is not None and self.clock.now() < expires

    def revoke_tokens(self) -> None:
        """Every token issued so far is refused from now on."""
        self.tokens.clear()

    def token_calls(self) -> int:
        """How often a token was asked for."""
        return sum(call.path == "/v2/token/" for call in self.calls)

    def environment(self, folder: Path) -> dict[str, str]:
        """The settings a relay needs to use this vendor; its keys are written into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        return {
            "SMT_SFTP_HOST": self.sftp.host,
            "SMT_SFTP_PORT": str(self.sftp.port),
            "SMT_SFTP_USER": self.sftp.user,
            "SMT_SFTP_KEY_PATH": str(self.sftp.write_client_key(folder / "smt_sftp_key")),
            "SMT_SFTP_KNOWN_HOSTS": str(self.sftp.write_known_hosts(folder / "smt_known_hosts")),
            "SMT_SFTP_SETTLE_SECONDS": "0",
            "SMT_PGP_KEY_PATH": str(self.pgp.write_secret(folder / "smt_pgp_key.asc")),
            "SMT_API_BASE_URL": self.api_url,
            "SMT_USERNAME": self.username,
            "SMT_PASSWORD": self.password,
            "SMT_REQUESTOR_AUTH_ID": self.duns,
        }

    def drop_file(
        self,
        home: Home,
        days: Sequence[Day],
        *,
        revised: bool = False,
        folder: str = "adhocusage",
        with_daily: bool = False,
        armor: bool = True,
    ) -> Path:
        """One delivery: a PGP message around a ZIP of the days' interval CSV, laid into a remote folder."""
        body = interval_csv(home, days, revised)
        now = self.clock.now() + timedelta(milliseconds=next(self._serial))
        nonce = hashlib.md5(body, usedforsecurity=False).hexdigest()
        name = file_name(now, nonce)
        daily = {file_name(now, nonce, "DailyMeterUsage"): daily_csv(home, days)} if with_daily else {}
        self._remember(home, days, revised)
        message = self.pgp.encrypt(zipped({**daily, name: body}), armor)
        return self.sftp.put(f"{name}.{self.duns}.asc", message, folder)

    def drop_history(
        self, days: int = 395, esiid: str | None = None, until: date | None = None
    ) -> list[Path]:
        """`days` days up to `until` (yesterday, Central) in a few dozen files, oldest first.

        Months as requested reports (every third with a daily file in its ZIP), corrections of months with
        estimated values, the newest fortnight in a file a day, and the first month again as an enrollment
        report.
        """
        home = self.meters[esiid] if esiid else self.homes[0]
        last = until or calendar(today(self.clock.now(), CENTRAL) - 1)
        every = list(home.days(last - timedelta(days=days - 1), days))
        old, recent = every[: max(0, days - RECENT)], every[max(0, days - RECENT) :]
        months = [old[i : i + MONTH] for i in range(0, len(old), MONTH)]
        paths = [self.drop_file(home, m, with_daily=i % 3 == 0) for i, m in enumerate(months)]
        corrected = [[d for d in month if d.estimated.any()] for month in months]
        paths += [self.drop_file(home, wrong, revised=True) for wrong in corrected if wrong]
        paths += [self.drop_file(home, [one]) for one in recent]
        if months:
            paths.append(self.drop_file(home, months[0], folder="EnrollmentReports"))
        return paths

    def expected_wh(self, esiid: str, flow: Flow = Flow.DELIVERED) -> int:
        """What a ledger must hold of one meter and flow after reading everything dropped so far."""
        return sum(wh for (e, f, _), (_, wh) in self.truth.items() if (e, f) == (esiid, flow))

    def _remember(self, home: Home, days: Sequence[Day], revised: bool) -> None:
        for one in days:
            for flow in home.flows:
                key = (home.esiid, flow, one.number)
                if revised or not self.truth.get(key, (False, 0))[0]:
                    self.truth[key] = (revised, int(one.wh(flow, revised).sum()))
