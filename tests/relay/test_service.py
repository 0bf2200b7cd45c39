"""The relay as a service: timer, backlog, vendor calls, TLS, systemd, and a stop in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.relay.hub_double import Scripted
from tests.relay.test_server import GOOD, ask
from tests.relay.world import World, csv
from wattledger.errors import Misconfigured, TryLater
from wattledger.relay import service
from wattledger.relay.notify import Notifier
from wattledger.relay.service import Relay


@dataclass
class Answer:
    trans_id: str
    body: bytes
    left: int = 0


def relay_of(world: World, **more: Any) -> Relay:
    settings = more.pop("settings", {})
    return Relay(world.settings(**settings), world.clock, say=world.lines.append, **more)


async def until(what: Any, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


async def test_the_timer_begins_soon_and_comes_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST", 0.05)
    async with relay_of(world, settings={"relay_every_minutes": 0.005}):
        await until(lambda: len(world.lines) >= 2)
    assert {line["reason"] for line in world.lines} == {"timer"}


async def test_a_backlog_drains_by_itself_when_the_hub_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FIRST", 0.05)
    world.put("a.asc", csv(1))
    world.hub.always = Scripted(503, store=False)
    async with relay_of(world):
        await until(lambda: world.lines and world.lines[-1]["waiting"] == 1)
        world.hub.always = None
        world.clock.turn(minutes=6)
        await until(lambda: world.hub.files)
    assert world.lines[-1]["reason"] == "backlog" and len(world.drop.operations) < 12


async def test_a_vendor_call_travels_back_as_a_payload(world: World) -> None:
    async def perform(kind: str, request: dict[str, Any]) -> Answer:
        return Answer("T/17", orjson.dumps({"kind": kind, "esiid": request["esiid"]}))

    wish = {"reason": "smt_request", "request": {"kind": "meter_info", "esiid": "10443720000000001"}}
    async with relay_of(world, timer=False, perform=perform) as relay:
        answer = await ask(relay, "POST", "/trigger/smt-now", wish)
        assert answer.status_code == 202
        await until(lambda: world.hub.files)
        run = (await ask(relay, "GET", f"/runs/{answer.json()['run']}")).json()
    assert run["result"]["filename"] == "api_meter_info_T_17.json"
    said = world.hub.requests[0][3]
    assert (said["filename"], said["mime"]) == ("api_meter_info_T_17.json", "application/json")


async def test_a_vendor_call_that_fails_is_told_and_the_next_one_goes_on(world: World) -> None:
    async def perform(kind: str, request: dict[str, Any]) -> Answer:
        if kind == "fault":
            raise KeyError(kind)
        raise TryLater("The vendor is in maintenance.")

    async with relay_of(world, timer=False, perform=perform) as relay:
        runs = [relay.ask_vendor({"kind": kind}) for kind in ("fault", "daily")]
        await asyncio.wait_for(runs[1].finished.wait(), 5)
        assert not relay.broken() and relay.health()["ok"] is True
    assert [run.line and run.line["status"] for run in runs] == ["failed", "failed"]
    assert runs[1].line and "maintenance" in runs[1].line["error"]


async def test_a_loop_that_ended_is_noticed(world: World) -> None:
    async with relay_of(world, timer=False) as relay:
        relay._tasks[1].cancel()
        await asyncio.wait(relay._tasks[1:2])
        assert relay.broken() and relay.health()["ok"] is False


async def test_a_fault_of_our_own_in_one_run_does_not_end_the_service(world: World) -> None:
    async with relay_of(world, timer=False) as relay:
        broken, relay.cycle.run = relay.cycle.run, None  # type: ignore[method-assign,assignment]
        assert (await relay.run_once())["status"] == "failed"
        relay.cycle.run = broken  # type: ignore[method-assign]
        assert (await relay.run_once())["status"] == "ok"


async def test_the_port_speaks_tls_when_asked_to(world: World) -> None:
    cert, key = world.root / "cert.pem", world.root / "key.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=127.0.0.1",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(make + names, check=True, capture_output=True)
    settings = {"tls_cert": cert, "tls_key": key}
    async with relay_of(world, timer=False, settings=settings) as relay:
        context = ssl.create_default_context(cafile=str(cert))
        async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
            answer = await client.post(relay.url + "/run-once", headers=GOOD)
    assert relay.url.startswith("https://") and answer.status_code == 200


async def test_half_a_tls_setting_and_a_taken_port_are_refused(world: World) -> None:
    with pytest.raises(Misconfigured, match="WATTLEDGER_TLS_KEY"):
        await relay_of(world, settings={"tls_cert": world.root / "cert.pem"}).start()
    async with relay_of(world, timer=False) as relay:
        with pytest.raises(Misconfigured, match="WATTLEDGER_RELAY_PORT"):
            await relay_of(world, timer=False, settings={"relay_port": relay.port}).start()


def test_systemd_is_told_and_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "60000000"})
        notifier.say("READY=1")
        assert listener.recv(100) == b"READY=1" and notifier.every == 30
    path.unlink()
    notifier.say("WATCHDOG=1")
    Notifier({}).say("READY=1")


async def test_sigterm_ends_the_service_in_good_order(world: World) -> None:
    s = world.settings()
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("SMT_", "WATTLEDGER_", "INTELLIWATT_"))},
        "SMT_SFTP_HOST": s.smt_sftp_host,
        "SMT_SFTP_PORT": str(s.smt_sftp_port),
        "SMT_SFTP_USER": str(s.smt_sftp_user),
        "SMT_SFTP_KEY_PATH": str(s.smt_sftp_key_path),
        "SMT_SFTP_KNOWN_HOSTS": str(s.smt_sftp_known_hosts),
        "SMT_SFTP_SETTLE_SECONDS": "0",
        "SMT_PGP_KEY_PATH": str(s.smt_pgp_key_path),
        "INTELLIWATT_BASE_URL": world.hub.url,
        "INTELLIWATT_WEBHOOK_SECRET": GOOD["x-intelliwatt-secret"],
        "ADMIN_TOKEN": "an-admin-token-of-tests",
        "WATTLEDGER_RELAY_PORT": "0",
    }
    world.put("a.asc", csv(1))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wattledger", "relay", "--data", str(world.root),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ,
    )  # fmt: skip
    assert child.stdout
    line = orjson.loads(await asyncio.wait_for(child.stdout.readline(), 20))
    assert (line["status"], line["sent"]) == ("ok", 1)
    child.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(child.wait(), 10) == 0
