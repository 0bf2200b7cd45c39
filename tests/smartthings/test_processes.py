"""A hub, a worker and SmartThings as processes of their own, over HTTP and one PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from wattledger.clock import SystemClock
from wattledger.simulators.smartthings import SmartThingsSimulator

pytestmark = pytest.mark.postgres
CALLBACK = "/oauth/smartthings/callback"
ROUNDS = [1, pytest.param(20, marks=pytest.mark.soak)]
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass
class House:
    """How processes are started, and an owner's client of the hub once there is one."""

    env: dict[str, str]
    vendor: SmartThingsSimulator
    stack: AsyncExitStack
    logs: Path
    answered: list[int] = field(default_factory=list)
    """statuses of the vendor's token answers"""
    died: datetime = EPOCH
    word: str = ""
    """the owner's API token"""

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """A process; what it logs goes to the end of one file."""
        with self.logs.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-u", "-m", "wattledger", *words,
                env=self.env, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.stack.push_async_callback(_end, process)
        return process

    async def run(self, *words: str) -> str:
        process = await self.start(*words)
        said, _ = await process.communicate()
        assert process.returncode == 0, self.logs.read_text()[-2000:]
        return said.decode()

    async def serve(self) -> tuple[asyncio.subprocess.Process, httpx2.AsyncClient]:
        """The hub, and its owner by API token."""
        process = await self.start("serve", "--port", "0")
        assert process.stdout
        while b"Wattledger is at" not in (line := await process.stdout.readline()):
            assert line, self.logs.read_text()[-2000:]
        base = line.decode().split("Wattledger is at ")[1].split()[0]
        if not self.word:
            await self.run("user", "add", "owner@example.org")
            self.word = (await self.run("user", "token", "owner@example.org")).split()[-1]
        headers = {"authorization": f"Bearer {self.word}"}
        client = httpx2.AsyncClient(base_url=base, headers=headers, timeout=60, trust_env=False)
        return process, await self.stack.enter_async_context(client)

    def refreshes(self) -> int:
        return self.vendor.asked("/oauth/token")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.communicate()


@pytest.fixture
async def house(postgres_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with SmartThingsSimulator(clock=SystemClock()) as vendor, AsyncExitStack() as stack:
        env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "WATTLEDGER_DATA": str(tmp_path / "data")}
        settings = {k: v for k, v in vendor.environment().items() if k != "SMARTTHINGS_REDIRECT_URI"}
        found = House({**env, **settings, "DATABASE_URL": postgres_url}, vendor, stack, tmp_path / "logs")
        answer = vendor.issuer.answer

        def counted(form: Any, basic: str) -> Any:
            status, body = answer(form, basic)
            found.answered.append(status)
            return status, body

        vendor.issuer.answer = counted  # type: ignore[method-assign]
        yield found


async def until(met: Callable[[], Awaitable[Any]], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await met():
            await asyncio.sleep(0.2)


@asynccontextmanager
async def stopped(*processes: asyncio.subprocess.Process) -> AsyncIterator[None]:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    await asyncio.gather(*(process.communicate() for process in processes))
    assert {process.returncode for process in processes} == {0}
    yield


async def signed_in(house: House, owner: httpx2.AsyncClient) -> str:
    """The owner's way to SmartThings and back. Returns the connection's id."""
    house.vendor.issuer.redirect_uri = f"{str(owner.base_url).rstrip('/')}{CALLBACK}"
    begun = (await owner.get("/v1/connections/smartthings/connect")).json()["url"]
    async with httpx2.AsyncClient(trust_env=False) as browser:
        consented = await browser.get(begun)
        back = await browser.get(consented.headers["location"])
    assert back.status_code == 303 and "connected=" in back.headers["location"]
    return str(back.headers["location"].split("connected=")[1])


async def state(owner: httpx2.AsyncClient, id: str) -> dict[str, Any]:
    listed = (await owner.get("/v1/connections")).json()["connections"]
    return next(row for row in listed if row["id"] == id)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_sign_in_push_refresh_and_death(house: House, rounds: int) -> None:
    hub, owner = await house.serve()
    worker = await house.start("work")
    id = await signed_in(house, owner)
    await until(lambda: _ok(owner, id))
    assert [u["deviceName"] for u in (await owner.get("/dashboard")).json()] == [
        "Bedroom AC", "Living room AC", "Office AC",
    ]  # fmt: skip
    await pushed_while_polling(house, owner, id)
    await refreshed_by_several(house, owner, id, rounds)
    await pasted_beside(house, owner, id)
    async with stopped(hub, worker):
        await dies_in_a_refresh(house, id)
    answers = len(house.answered)
    _, owner = await house.serve()
    await until(lambda: _recovered(house, owner, id), 20)
    assert set(house.answered) == {200} and len(house.answered) == answers + 1


async def _ok(owner: httpx2.AsyncClient, id: str) -> bool:
    found = await state(owner, id)
    return found["state"] == "ok" and found["last_success"] is not None


async def _recovered(house: House, owner: httpx2.AsyncClient, id: str) -> bool:
    """Whether it was collected after the death, with the token that the dead process never saw."""
    found = await state(owner, id)
    return found["state"] == "ok" and datetime.fromisoformat(found["last_success"]) > house.died


async def pushed_while_polling(house: House, owner: httpx2.AsyncClient, id: str) -> None:
    """An event is an observation within seconds, whoever listens; polling goes on."""
    vendor, unit = house.vendor, house.vendor.units[0]
    await until(lambda: _true(vendor.push.listeners == 1))
    now = vendor.clock.now()
    vendor.push.event(unit.id, "temperatureMeasurement", "temperature", 17.25, now, unit="C")
    polled = await owner.post(f"/v1/connections/{id}/poll")
    assert polled.json()["ok"], polled.text
    points = (await owner.get("/dashboard", params={"deviceId": unit.id})).json()
    path = f"/v1/usage-points/{points[0]['usagePoint']}/observations"

    async def heard() -> bool:
        listed = (await owner.get(path)).json()["observations"]
        return any(o["values"].get("temperature_c") == 17.25 for o in listed)

    await until(heard)


async def _true(said: bool) -> bool:
    return said


async def refreshed_by_several(house: House, owner: httpx2.AsyncClient, id: str, rounds: int) -> None:
    """The vendor forgets the access token: however many processes collect at once, it is refreshed once."""
    for _ in range(rounds):
        before = house.refreshes()
        house.vendor.issuer.access.clear()
        polls = [owner.post(f"/v1/connections/{id}/poll") for _ in range(3)]
        await asyncio.gather(*polls, house.run("poll", id), house.run("poll", id))
        assert house.refreshes() - before == 1
        assert await _ok(owner, id)


async def pasted_beside(house: House, owner: httpx2.AsyncClient, id: str) -> None:
    """A pasted token gets a connection of its own, collected at once; a wrong one changes nothing."""
    assert (await owner.post("/token", json={"token": "no-token-of-theirs"})).status_code == 400
    done = (await owner.post("/token", json={"token": house.vendor.issuer.pasted()})).json()
    assert done["reset"] and done["connection"] != id
    await until(lambda: _ok(owner, done["connection"]))
    assert (await owner.get("/fetch_status")).json()["message"] == "Last fetch OK (3 devices)"


async def dies_in_a_refresh(house: House, id: str) -> None:
    """A collector is killed while SmartThings answers; the answer, and the old refresh token, are lost."""
    issuer, before = house.vendor.issuer, len(house.answered)
    issuer.grace, house.vendor.script.delay = 60.0, 1.0
    issuer.access.clear()
    victim = await house.start("poll", id)
    asked = house.refreshes()
    await until(lambda: _true(house.refreshes() > asked))
    victim.kill()
    house.died = house.vendor.clock.now()
    await victim.communicate()
    await until(lambda: _true(len(house.answered) > before))
    house.vendor.script.delay = 0.0
