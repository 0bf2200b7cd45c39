"""What a hub that stops cannot finish is told to its sender: 503, come again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from wattledger.cli import hub_server
from wattledger.cli.hub_server import bind, hub_running
from wattledger.cli.runtime import opened
from wattledger.config import Settings
from wattledger.web.app import create_app


async def test_a_request_that_outlasts_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_server, "GRACE_SECONDS", 1)
    settings, begun = Settings.model_validate({"WATTLEDGER_DATA": str(tmp_path)}), asyncio.Event()
    async with opened(None, settings=settings) as runtime, httpx2.AsyncClient(trust_env=False) as client:
        app = create_app(runtime.store, settings, clock=runtime.clock)

        @app.get("/v1/long")
        async def long() -> None:
            begun.set()
            await asyncio.sleep(600)

        async with hub_running(runtime, bind("127.0.0.1", 0), "127.0.0.1", app) as address:
            asking = asyncio.create_task(client.get(f"{address}/v1/long"))
            await begun.wait()
        answer = await asking
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert answer.json()["error"] == "TRY_LATER"
