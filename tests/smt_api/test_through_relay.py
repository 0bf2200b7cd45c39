"""The whole way: the hub's request through the relay to the vendor, its answer and file to the hub."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import orjson

from tests.relay.hub_double import HubDouble
from tests.relay.test_server import ask
from tests.relay.world import ADMIN, SECRET
from tests.smt_api.conftest import ESIID
from wattledger.clock import SystemClock
from wattledger.config import Settings, load_settings
from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.localday import day, today
from wattledger.relay.service import Relay
from wattledger.simulators.home import Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_files import interval_csv


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.02)


def settings(vendor: SmtSimulator, hub: HubDouble, folder: Path) -> Settings:
    own = {"INTELLIWATT_BASE_URL": hub.url, "INTELLIWATT_WEBHOOK_SECRET": SECRET, "ADMIN_TOKEN": ADMIN}
    environ = {**vendor.environment(folder / "keys"), **own, "SMT_INBOX_DIR": str(folder / "inbox")}
    return load_settings(folder, environ, relay_port=0)


async def test_a_backfill_asked_by_the_hub_brings_answer_and_file(tmp_path: Path) -> None:
    clock = SystemClock()
    async with SmtSimulator(tmp_path / "drop") as vendor, HubDouble() as hub:
        wanted = day(today(clock.now(), ZONE) - 3)
        request = {"kind": "backfill", "esiids": [ESIID], "start": f"{wanted}", "end": f"{wanted}"}
        async with Relay(settings(vendor, hub, tmp_path), clock, timer=False) as relay:
            wish = {"reason": "smt_request", "esiid": ESIID, "request": request}
            assert (await ask(relay, "POST", "/trigger/smt-now", wish)).status_code == 202
            await until(lambda: any(name.startswith("api_backfill_WL") for name in hub.names.values()))
            await relay.run_once()
        [answer] = [hub.files[s] for s, name in hub.names.items() if name.startswith("api_")]
        assert orjson.loads(answer)["correlationId"]
        assert interval_csv(Home(), Home().days(wanted, 1)) in hub.files.values()
        assert vendor.token_calls() == 1


async def test_maintenance_is_told_by_its_name(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path / "drop") as vendor, HubDouble() as hub:
        vendor.script.maintenance()
        async with Relay(settings(vendor, hub, tmp_path), SystemClock(), timer=False) as relay:
            run = relay.ask_vendor({"kind": "subscription_new"})
            await asyncio.wait_for(run.finished.wait(), 10)
        assert run.line is not None
        assert (run.line["status"], run.line["outcome"]) == ("failed", "Maintenance")
        assert vendor.subscriptions == []


async def test_what_does_not_fit_into_a_day_is_said(tmp_path: Path) -> None:
    clock = SystemClock()
    now = today(clock.now(), ZONE)
    many = [ESIID, *(f"10443720001{n:06d}" for n in range(199))]
    request = {"kind": "backfill", "esiids": many, "start": f"{day(now - 30)}", "end": f"{day(now - 1)}"}
    async with SmtSimulator(tmp_path / "drop") as vendor, HubDouble() as hub:
        async with Relay(settings(vendor, hub, tmp_path), clock, timer=False) as relay:
            run = relay.ask_vendor(request)
            await asyncio.wait_for(run.finished.wait(), 20)
        assert run.line is not None
        assert run.line["status"] == "partial"
        assert run.line["left"] > 0
        assert len(vendor.calls) <= 21
