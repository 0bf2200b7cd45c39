"""Everything around a hub, with secrets that nobody else has: vendors, a mail server, no broker."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from tests.canaries.evidence import Evidence, files_below, unpacked
from tests.paths import ROOT
from tests.web.fake_smtp import MailServer, mail_server
from wattledger.clock import token
from wattledger.simulators.driving_week import HOME, SHOP, WORK
from wattledger.simulators.http import free_socket
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_connect import ALLOW
from wattledger.simulators.smartthings import SmartThingsSimulator

EMAIL = "ada-canary-9071@example.org"
OURS = ("ADMIN_TOKEN", "INTELLIWATT_WEBHOOK_SECRET", "DROPLET_WEBHOOK_SECRET")
PATIENCE = 60.0
LEDGER = ("file wattledger.db*",)
APART = (0.01371, -0.02843)
"""where this car lives, apart from others"""
ARCHIVED = "GET /v1/export payloads/*"
"""what an owner takes away: the archive's own bytes, among all else"""
SHOWN = ("GET /v1/ev/me/telemetry/*", ARCHIVED)
ANSWERS = ("GET *", "POST *")


@dataclass
class World:
    """The vendors and the settings by which our processes find them."""

    folder: Path
    api: str
    database: str | None
    evidence: Evidence
    cars: SmartcarSimulator
    units: SmartThingsSimulator
    meters: SmtSimulator
    mail: MailServer
    env: dict[str, str] = field(default_factory=dict)
    base: str = ""
    wrong_passphrase: str = ""

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def guess(self, name: str) -> str:
        """A wrong secret that somebody tries."""
        return self.evidence.hide(name, f"guess-{token(16)}")


@asynccontextmanager
async def world(
    folder: Path, api: str, database: str | None, evidence: Evidence, **more: str
) -> AsyncIterator[World]:
    """A world with all servers running; none of our processes runs yet."""
    async with AsyncExitStack() as stack:
        cars = SmartcarSimulator(management_token=f"amt-{token(16)}")
        cars.desk.decides = ALLOW
        cars.issuer.client_secret = f"v2-secret-{token(16)}"
        cars.app.client_secret = f"v3-secret-{token(16)}"
        units = SmartThingsSimulator()
        units.issuer.client_secret = f"st-secret-{token(16)}"
        meters = SmtSimulator(folder / "remote", password=f"smt-password-{token(16)}")
        login = f"mailer:{evidence.hide('SMTP password', f'smtp-{token(16)}')}"
        mail = await stack.enter_async_context(mail_server(login))
        for server in (cars, units, meters):
            await stack.enter_async_context(server)
        found = World(folder, api, database, evidence, cars, units, meters, mail)
        _settle(found, login)
        found.env.update(more)
        yield found


def _settle(found: World, login: str) -> None:
    port, relay = _port(), _port()
    found.base = f"http://127.0.0.1:{port}"
    found.cars.redirect_uris[:] = [f"{found.base}/oauth/smartcar/callback"]
    found.cars.webhooks[0].callback = f"{found.base}/webhooks/smartcar"
    found.units.issuer.redirect_uri = f"{found.base}/oauth/smartthings/callback"
    hide = found.evidence.hide
    own = {name: hide(name, f"{name.lower()}-{token(16)}") for name in _both(OURS)}
    found.env = {
        "HOME": str(found.folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "CRASH": "once",
        "WATTLEDGER_DATA": str(found.data),
        "WATTLEDGER_LOG": "json" if found.api == "v3" else "console",
        **own,
        **found.cars.environment(found.api),
        **found.units.environment(),
        **found.meters.environment(found.folder / "keys"),
        "SMARTCAR_MANAGEMENT_TOKEN_NEXT": hide("next management token", f"next-{token(16)}"),
        "DROPLET_WEBHOOK_URL": f"http://127.0.0.1:{relay}/trigger/smt-now",
        "WATTLEDGER_RELAY_PORT": str(relay),
        "INTELLIWATT_BASE_URL": found.base,
        "WATTLEDGER_SMTP_HOST": "127.0.0.1",
        "WATTLEDGER_SMTP_PORT": str(found.mail.port),
        "WATTLEDGER_SMTP_USER": "mailer",
        "WATTLEDGER_SMTP_PASSWORD": login.partition(":")[2],
        "WATTLEDGER_SMTP_FROM": "hub@example.org",
        "WATTLEDGER_SMTP_SECURITY": "none",
        "WATTLEDGER_MQTT_URL": f"mqtt://127.0.0.1:{_port()}",
        "WATTLEDGER_MQTT_USER": "publisher",
        "WATTLEDGER_MQTT_PASSWORD": hide("MQTT password", f"mqtt-{token(16)}"),
        "DB_PASSWORD": hide("database password", f"db-{token(16)}"),
    }
    found.wrong_passphrase = hide("PGP passphrase", f"pgp-{token(16)}")
    if found.database:
        found.env["DATABASE_URL"] = found.database.replace("@", f":{found.env['DB_PASSWORD']}@", 1)
    _hide_vendors(found)


def _hide_vendors(found: World) -> None:
    hide = found.evidence.hide
    hide("SMARTCAR_MANAGEMENT_TOKEN", found.cars.management_token)
    hide("SMARTCAR_CLIENT_SECRET", found.cars.issuer.client_secret)
    hide("SMARTCAR_API_CLIENT_SECRET", found.cars.app.client_secret)
    hide("SMARTTHINGS_CLIENT_SECRET", found.units.issuer.client_secret)
    hide("SMT_PASSWORD", found.meters.password)
    for name, variable in (("SFTP key", "SMT_SFTP_KEY_PATH"), ("PGP key", "SMT_PGP_KEY_PATH")):
        hide(name, Path(found.env[variable]).read_text().splitlines()[4])
    for vehicle in found.cars.garage.vehicles.values():
        hide("VIN", vehicle.vin, "table body*", ARCHIVED, *LEDGER)
        vehicle.car = replace(vehicle.car, apart=APART)
    for place in (HOME, WORK, SHOP):
        hide("a car's latitude", f"{place.latitude + APART[0]:.5f}", *SHOWN)
        hide("a car's longitude", f"{place.longitude + APART[1]:.5f}", *SHOWN)
    hide("an owner's address", EMAIL, *ANSWERS, "table *", *LEDGER)


def _both(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from (name, f"{name}_NEXT")


def _port() -> int:
    with free_socket() as bound:
        return int(bound.getsockname()[1])


class Process:
    """A command of ours at DEBUG; what it printed goes into the evidence at its end."""

    def __init__(self, found: World, *words: str, **env: str) -> None:
        self._place = " ".join(words[:2])
        self._evidence = found.evidence
        folder = found.folder / "out"
        folder.mkdir(exist_ok=True)
        self._files = [folder / f"{id(self)}.{name}" for name in ("stdout", "stderr")]
        out, err = (path.open("wb") for path in self._files)
        command = [sys.executable, "-u", "-m", "tests.canaries.loud", *words]
        with out, err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, env={**found.env, **env}, cwd=found.folder
            )

    def printed(self) -> str:
        """Standard output until now."""
        return self._files[0].read_text()

    async def until(self, word: str) -> str:
        """Standard output once it has that word."""
        async with asyncio.timeout(PATIENCE):
            while word not in self.printed():
                assert self.process.poll() is None, self._files[1].read_text()[-3000:]
                await asyncio.sleep(0.05)
        return self.printed()

    async def ended(self, *, ask: bool = True) -> int:
        """Its exit code, having asked it to stop."""
        if ask and self.process.poll() is None:
            self.process.terminate()
        try:
            code = await asyncio.to_thread(self.process.wait, PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        for path in self._files:
            self._evidence.saw(f"{path.suffix[1:]} of {self._place}", path.read_bytes())
        return code


def stored(found: World) -> None:
    """What lies in the database and in the data folder, as it lies there and unpacked."""
    for line in (found.data / "keys").read_text().split():
        found.evidence.hide("sealing key", line.rpartition(":")[2], "file keys*")
    for place, data in files_below(found.data):
        found.evidence.saw(place, data)
    for table, values in _rows(found):
        for value in values:
            data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            found.evidence.saw(f"table {table}", data)
            if isinstance(value, bytes | memoryview):
                found.evidence.saw(f"table {table} unpacked", unpacked(data))


def _rows(found: World) -> Iterator[tuple[str, tuple[Any, ...]]]:
    connect: Any = sqlite3.connect(found.data / "wattledger.db")
    listed = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if found.database:
        connect.close()
        connect = psycopg.connect(found.database)
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    try:
        for (table,) in list(connect.execute(listed)):
            for row in connect.execute(f'SELECT * FROM "{table}"'):
                yield table, row
    finally:
        connect.close()
