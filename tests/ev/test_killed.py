"""A hub killed while it keeps what the vendor granted: all of it is there afterwards, or nothing."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from httpx2 import TransportError

from tests.cli.test_serve import SECONDS
from tests.ev.helpers import EMAIL, bearer, connected, consented, rows
from tests.ev.processes import place


async def test_a_connection_is_never_without_its_cars(database_url: str, tmp_path: Path) -> None:
    async with place(tmp_path / "home", database_url) as home, home.store() as store:
        headers = await bearer(store, EMAIL)
        async with home.hub("kill:web.car_before_link=1") as hub, home.browser(headers) as owner:
            back = await consented(owner)
            with pytest.raises(TransportError):
                await owner.get(back)
            assert await asyncio.to_thread(hub.process.wait, SECONDS) == -signal.SIGKILL
        left = await rows(store)
        assert (left["connection"], left["vehicle"]) == (0, 0), "half of a connection was kept"
        async with home.hub(), home.browser(headers) as owner:
            await connected(owner)
            assert (await owner.get("/v1/ev/status")).json()["status"] == "connected"
        now = await rows(store)
        assert (now["connection"], now["vehicle"]) == (1, len(home.vendor.garage.vehicles))
