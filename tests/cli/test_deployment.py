"""`wattledger doctor --deployment` against hub and relay on real sockets: each verdict, no trace left."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from wattledger.cli.checks import Verdict
from wattledger.cli.checks_deployment import Deployment, deployment_checks
from wattledger.cli.hub_server import bind, hub_running, url_of
from wattledger.cli.runtime import Runtime, opened
from wattledger.config import Settings
from wattledger.faults import sabotage
from wattledger.relay.service import Relay
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv
from wattledger.web.app import create_app

SECRETS = {
    "ADMIN_TOKEN": "an-admin-token-for-tests",
    "INTELLIWATT_WEBHOOK_SECRET": "a-webhook-secret-for-tests",
}
BOTH = {
    "x-admin-token": SECRETS["ADMIN_TOKEN"],
    "x-intelliwatt-secret": SECRETS["INTELLIWATT_WEBHOOK_SECRET"],
}
NAMES = [
    "transport",
    "health",
    "both secrets",
    "one secret alone",
    "token stub",
    "inspector",
    "canary to hub",
    "canary by relay",
]


class Place:
    """A hub with a day of energy, and its relay."""

    def __init__(self, runtime: Runtime, url: str, relay: Relay) -> None:
        self.runtime, self.url, self.relay = runtime, url, relay

    async def checks(self, relay: str | None = None, **changes: str) -> dict[str, tuple[Verdict, str]]:
        settings = Settings.model_validate({**SECRETS, **changes})
        return {c.name: (c.verdict, c.text) async for c in deployment_checks(settings, self.url, relay)}

    async def send(self, body: bytes, source: str) -> httpx2.Response:
        text = base64.b64encode(body).decode()
        message = {"filename": "a.csv", "encoding": "base64", "content_b64": text, "source": source}
        async with httpx2.AsyncClient(headers=BOTH) as http:
            return await http.post(f"{self.url}/api/admin/smt/pull", json=message)

    async def remove(self, sha256: str) -> httpx2.Response:
        async with httpx2.AsyncClient(headers=BOTH) as http:
            return await http.delete(f"{self.url}/api/admin/smt/canary/{sha256}")


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """At the root of its host, unless a test asks for another path."""
    bound = bind("127.0.0.1", 0)
    url = url_of(bound, "127.0.0.1") + getattr(request, "param", "")
    own = {"WATTLEDGER_DATA": str(tmp_path / "hub"), "WATTLEDGER_BASE_URL": url, **SECRETS}
    edge = {
        "WATTLEDGER_DATA": str(tmp_path / "relay"),
        "INTELLIWATT_BASE_URL": url,
        "WATTLEDGER_RELAY_PORT": "0",
    }
    settings = Settings.model_validate(own)
    async with opened(None, settings=settings) as runtime:
        app = create_app(runtime.store, settings, clock=runtime.clock)
        async with hub_running(runtime, bound, "127.0.0.1", app):
            relay = Relay(Settings.model_validate({**edge, **SECRETS}), timer=False, say=lambda line: None)
            async with relay:
                yield Place(runtime, url, relay)


@pytest.mark.parametrize("place", ["", "/energy"], indirect=True)
async def test_a_sound_deployment_is_ok_and_keeps_no_trace(place: Place) -> None:
    home = Home()
    assert (
        await place.send(interval_csv(home, home.days(date(2025, 1, 1), 1)), "adhocusage")
    ).status_code == 200
    store = place.runtime.store
    before = await store.digest(), [row.id for row in await store.payloads.list()]
    found = await place.checks(place.relay.url)
    assert found == {name: (Verdict.OK, found[name][1]) for name in NAMES}
    assert (await store.digest(), [row.id for row in await store.payloads.list()]) == before
    assert len(await store.points.list(None)) == 1 and await store.audit.verify()


async def test_without_a_relay_its_canary_is_skipped(place: Place) -> None:
    assert (await place.checks())["canary by relay"][0] == Verdict.SKIPPED


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"ADMIN_TOKEN": "another-admin-token"}, "both secrets", "ADMIN_TOKEN"),
        ({"INTELLIWATT_WEBHOOK_SECRET": "another-webhook-secret"}, "both secrets", "refuses"),
        ({"DROPLET_WEBHOOK_SECRET": "another-relay-secret"}, "canary by relay", "DROPLET_WEBHOOK_SECRET"),
    ],
)
async def test_what_is_wrong_is_named(place: Place, changes: dict[str, str], check: str, says: str) -> None:
    verdict, text = (await place.checks(place.relay.url, **changes))[check]
    assert verdict == Verdict.FAILED and says in text


async def test_a_relay_that_cannot_deliver_is_named(place: Place) -> None:
    place.relay.cycle._settings = Settings.model_validate(
        {**SECRETS, "INTELLIWATT_BASE_URL": "http://127.0.0.1:9"}
    )
    verdict, text = (await place.checks(place.relay.url))["canary by relay"]
    assert verdict == Verdict.FAILED and "did not deliver" in text


async def test_only_a_canary_can_be_removed(place: Place) -> None:
    home = Home()
    body = interval_csv(home, home.days(date(2025, 1, 1), 1))
    for source, number in (("adhocusage", 1), ("canary", 2)):
        sent = (await place.send(body + b"\n" * number, source)).json()
        answer = await place.remove(sent["sha256"])
        assert (answer.status_code, answer.json()["error"]) == (409, "NO_CANARY")
    assert (await place.remove("0" * 64)).status_code == 404


async def test_sabotage_canary_guard_is_noticed(place: Place) -> None:
    with sabotage("canary_guard"), pytest.raises(AssertionError):
        await test_only_a_canary_can_be_removed(place)


async def test_sabotage_canary_compare_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary that comes back with other bytes is a failed deployment."""
    ask = Deployment.ask

    async def changed(found: Deployment, verb: str, path: str, **more: Any) -> httpx2.Response:
        answer = await ask(found, verb, path, **more)
        return httpx2.Response(200, content=b"other") if path.endswith("/download") else answer

    monkeypatch.setattr(Deployment, "ask", changed)
    assert (await place.checks())["canary to hub"][0] == Verdict.FAILED
    with sabotage("canary_compare"):
        assert (await place.checks())["canary to hub"][0] == Verdict.OK


@pytest.mark.parametrize("text", ["", "a" * 201, "two\nlines", 5])
async def test_a_relay_takes_small_canaries_alone(place: Place, text: object) -> None:
    async with httpx2.AsyncClient(headers=BOTH) as http:
        answer = await http.post(f"{place.relay.url}/canary", json={"text": text})
    assert (answer.status_code, answer.json()["field"]) == (400, "text")


def test_nobody_there_is_a_verdict_and_exit_code_1(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "wattledger", "doctor", "--deployment", "http://127.0.0.1:9", "--json"]
    done = subprocess.run(words, env={"HOME": str(tmp_path), **SECRETS}, capture_output=True, text=True)
    assert done.returncode == 1
    assert [row["verdict"] for row in json.loads(done.stdout)] == ["ok", "failed"]
