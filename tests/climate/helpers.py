"""Small things that the tests of air conditioners share."""

from __future__ import annotations

from datetime import timedelta

from httpx2 import AsyncClient

from tests.web.helpers import FakeClock


async def poll(owner: AsyncClient, connection: str) -> None:
    answer = await owner.post(f"/v1/connections/{connection}/poll")
    assert answer.status_code == 200, answer.text


async def watch(
    owner: AsyncClient, clock: FakeClock, connection: str, times: int, minutes: float = 5
) -> None:
    """Let time pass and collect, so many times."""
    for _ in range(times):
        clock.move(timedelta(minutes=minutes))
        await poll(owner, connection)
