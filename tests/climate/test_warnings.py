"""The end of a pasted token is announced wherever somebody or something may look, and once in the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from httpx2 import AsyncClient
from structlog.testing import capture_logs

from tests.web.helpers import ADMIN, FakeClock
from wattledger.cli.runtime import Runtime
from wattledger.cli.token_endings import announce, announcing
from wattledger.simulators.smartthings import SmartThingsSimulator

TICK = timedelta(microseconds=1)
ENDS = "2026-07-16T21:02:30Z"


async def logged(runtime: Runtime) -> list[str]:
    with capture_logs() as said:
        assert await announce(runtime) == len(said)
    assert all(line["log_level"] == "warning" for line in said)
    return [line["event"] for line in said]


async def test_once_for_each_step_in_the_log(
    runtime: Runtime, owner: AsyncClient, connection: str, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    assert await logged(runtime) == []
    clock.move(timedelta(hours=18) - TICK)
    assert await logged(runtime) == []
    clock.move(TICK)
    assert await logged(runtime) == [
        f"The SmartThings token ends at {ENDS}, within 6 hours; store a new one."
    ]
    assert await logged(runtime) == []
    clock.move(timedelta(hours=5))
    assert await logged(runtime) == [
        f"The SmartThings token ends at {ENDS}, within an hour; store a new one."
    ]
    clock.move(timedelta(hours=1))
    assert await logged(runtime) == [f"The SmartThings token ended at {ENDS}; store a new one."]
    assert await logged(runtime) == []
    await owner.post("/token", json={"token": vendor.issuer.pasted()})
    assert await logged(runtime) == []
    clock.move(timedelta(hours=23, minutes=30))
    assert len(await logged(runtime)) == 1  # a hub that was down for the first step says the second alone


async def test_two_processes_say_it_once(runtime: Runtime, connection: str, clock: FakeClock) -> None:
    clock.move(timedelta(hours=20))
    assert sum(await asyncio.gather(*(announce(runtime) for _ in range(4)))) == 1


async def test_a_running_hub_looks(runtime: Runtime, connection: str, clock: FakeClock) -> None:
    clock.move(timedelta(hours=20))
    stop = asyncio.Event()
    with capture_logs() as said:
        task = asyncio.create_task(announcing(runtime, stop))
        async with asyncio.timeout(10):
            while not said:
                await asyncio.sleep(0.01)
        stop.set()
        await task
    assert "within 6 hours" in said[0]["event"]


@pytest.mark.parametrize(
    ("hours", "said"), [(17.9, None), (18, "within 6 hours"), (23, "within an hour"), (24, "ended at")]
)
async def test_status_and_connections_carry_it(
    owner: AsyncClient,
    stranger: AsyncClient,
    connection: str,
    clock: FakeClock,
    hours: float,
    said: str | None,
) -> None:
    clock.move(timedelta(hours=hours))
    status = (await owner.get("/fetch_status")).json()
    (listed,) = (await owner.get("/v1/connections")).json()["connections"]
    assert status["warning"] == listed["warning"]
    assert said in status["warning"] if said else status["warning"] is None
    metrics = (await stranger.get("/metrics", headers={"x-admin-token": ADMIN})).text
    left = (
        f'wattledger_pasted_token_seconds_left{{connection="{connection}"}} {round(86400 - hours * 3600)}.0'
    )
    assert left in metrics
    assert 'wattledger_connection_success_age_seconds{connection="' in metrics


async def test_an_oauth_sign_in_has_nothing_to_warn_of(
    runtime: Runtime, owner: AsyncClient, clock: FakeClock, vendor: SmartThingsSimulator
) -> None:
    site = await runtime.store.sites.default()
    secrets = {"client_id": "x", "client_secret": "y"}
    await runtime.store.connections.create(site.id, "smartthings", {}, secrets)
    clock.move(timedelta(days=3))
    assert await logged(runtime) == []
    assert (await owner.get("/v1/connections")).json()["connections"][0]["warning"] is None
