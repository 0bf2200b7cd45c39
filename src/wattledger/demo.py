"""The whole road in one process on loopback: a simulated utility, a relay, a hub, 13 months of a home.

Everything between them is real: SFTP with keys, PGP, HTTP with secrets, the parser, the ledger. No
setting of this machine is read, so a demo can never touch a real database or a real utility.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from wattledger import localday
from wattledger.cli.collector import on_demand
from wattledger.cli.hub_server import bind, hub_running, url_of
from wattledger.cli.runtime import Runtime, make_folder, opened
from wattledger.clock import SystemClock, token
from wattledger.config import Settings
from wattledger.demo_car import driving
from wattledger.demo_car import settings as settings_of_car
from wattledger.demo_units import cooling
from wattledger.errors import NotFound, TryLater
from wattledger.model import Flow, PointKind
from wattledger.relay.service import Relay
from wattledger.secrets import same
from wattledger.simulators.home import CENTRAL, Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.web.app import create_app
from wattledger.web.auth import set_session

EMAIL = "you@demo.example"
HOME = Home()
HISTORY_DAYS = 396
HELD_BACK_DAYS = 2
"""days that come one by one while the demo runs, so that polling can be seen"""
NEXT_DAY_SECONDS = 15.0
POLL_MINUTES = 0.15

Progress = Callable[[int, int], None]
"""files read so far, and files in all"""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo. `filled` is the last day of the history it began with."""

    url: str
    first: date
    filled: date
    wh: int
    files: int


@asynccontextmanager
async def running(folder: Path, host: str, port: int, progress: Progress) -> AsyncIterator[Demo]:
    """Start everything, fill the ledger, then deliver a day now and then while the block runs."""
    make_folder(folder)
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(SmtSimulator(folder / "utility", [HOME]))
        bound = bind(host, port)
        secrets = {"ADMIN_TOKEN": token(), "INTELLIWATT_WEBHOOK_SECRET": token()}
        relay = await stack.enter_async_context(
            Relay(_relay(folder, vendor, url_of(bound, host), secrets), say=_quiet)
        )
        units = await stack.enter_async_context(SmartThingsSimulator())
        cars = await stack.enter_async_context(SmartcarSimulator())
        vendors = {
            "DROPLET_WEBHOOK_URL": f"{relay.url}/trigger/smt-now",
            "SMARTTHINGS_BASE_URL": units.url,
            **settings_of_car(cars, url_of(bound, host)),
        }
        hub = _settings(folder, **secrets, **vendors)
        runtime = await stack.enter_async_context(opened(None, settings=hub))
        app = create_app(runtime.store, hub, clock=runtime.clock, on_demand=on_demand(runtime))
        word = token()
        app.add_api_route("/demo/{given}", _door(runtime, word), include_in_schema=False)
        address = await stack.enter_async_context(hub_running(runtime, bound, host, app))
        files = await _fill(runtime, vendor, relay, progress)
        await stack.enter_async_context(driving(runtime, cars, address, await _session(runtime)))
        await stack.enter_async_context(cooling(runtime, units))
        live = asyncio.create_task(_live(runtime, vendor))
        try:
            yield await _described(runtime, f"{address}/demo/{word}", files)
        finally:
            live.cancel()
            await asyncio.gather(live, return_exceptions=True)


def _settings(folder: Path, **variables: str) -> Settings:
    return Settings.model_validate({"WATTLEDGER_DATA": str(folder / "hub"), **variables})


def _relay(folder: Path, vendor: SmtSimulator, hub: str, secrets: dict[str, str]) -> Settings:
    own = {
        "INTELLIWATT_BASE_URL": hub,
        "SMT_INBOX_DIR": str(folder / "inbox"),
        "WATTLEDGER_RELAY_PORT": "0",
        "WATTLEDGER_RELAY_EVERY_MINUTES": str(POLL_MINUTES),
    }
    return _settings(folder, **vendor.environment(folder / "keys"), **own, **secrets)


def _quiet(line: dict[str, Any]) -> None:
    """The cycle's line goes to the hub as heartbeat; the terminal stays free for people."""


def _door(runtime: Runtime, word: str) -> Callable[..., Any]:
    """A route that signs its caller in: whoever has the printed address, for as long as the demo runs."""

    async def enter(request: Request, given: str) -> Response:
        if not same(given.encode(), word.encode()):
            raise NotFound("There is no such page.")
        answer = RedirectResponse("/meter?by=month", status_code=303)
        set_session(answer, request, await _session(runtime))
        return answer

    return enter


async def _session(runtime: Runtime) -> str:
    """The demo's owner, signed in once more."""
    people, now = runtime.store.people, runtime.clock.now()
    await people.add_user(EMAIL, operator=True)
    link = await people.start_link(EMAIL, now)
    return await people.consume_link(link or "", now) or ""


async def _fill(runtime: Runtime, vendor: SmtSimulator, relay: Relay, progress: Progress) -> int:
    """Lay 13 months into the simulated drop folder and let the relay fetch them. Returns the files."""
    if any(point.kind == PointKind.METER for point in await runtime.store.points.list(None)):
        return 0
    yesterday = localday.day(localday.today(SystemClock().now(), CENTRAL) - 1)
    until = yesterday - timedelta(days=HELD_BACK_DAYS)
    files = await asyncio.to_thread(vendor.drop_history, HISTORY_DAYS, None, until)
    watching = asyncio.create_task(_watch(runtime, len(files), progress))
    try:
        while not (line := await relay.run_once()).get("idle"):
            if line["status"] == "failed":
                raise TryLater(f"The relay's cycle failed: {line}")
    finally:
        watching.cancel()
    return len(files)


async def _watch(runtime: Runtime, files: int, progress: Progress) -> None:
    while True:
        progress(len(await runtime.store.payloads.list(None, limit=1000)), files)
        await asyncio.sleep(0.25)


async def _live(runtime: Runtime, vendor: SmtSimulator) -> None:
    """Deliver the next day that the ledger does not have, as long as it is over."""
    while True:
        await asyncio.sleep(NEXT_DAY_SECONDS)
        point = await runtime.store.points.by_external(HOME.esiid)
        known = await runtime.store.energy.coverage(point, Flow.DELIVERED)
        following = localday.number(known.last_day) + 1 if known.last_day else 0
        if 0 < following < localday.today(SystemClock().now(), CENTRAL):
            await asyncio.to_thread(vendor.drop_file, HOME, [HOME.day(following)])


async def _described(runtime: Runtime, url: str, files: int) -> Demo:
    point = await runtime.store.points.by_external(HOME.esiid)
    known = await runtime.store.energy.coverage(point, Flow.DELIVERED)
    assert known.first_day and known.last_day
    return Demo(url, known.first_day, known.last_day, known.total_wh, files)
