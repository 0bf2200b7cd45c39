"""Bodies are measured while they are read, with or without an announced length."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.web.helpers import PULL, machine
from tests.web.server import raw, serving
from wattledger.faults import sabotage
from wattledger.web import limits

MIB = 1 << 20


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple((verb, path, MIB, way) for verb, path, _, way in limits._LIMITS)
    monkeypatch.setattr(limits, "_LIMITS", rows)


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 65536


def test_limits_of_routes() -> None:
    assert limits.limit_of("POST", PULL) == (64 * MIB, limits.WAY_OUT)
    assert limits.limit_of("PUT", "/api/admin/smt/payloads/" + "0" * 64)[0] == 256 * MIB
    assert limits.limit_of("POST", "/v1/uploads")[0] == 256 * MIB
    assert limits.limit_of("POST", "/v1/tokens")[0] == MIB
    assert limits.limit_of("POST", "/api/admin/smt/heartbeat")[0] == MIB


async def test_too_much_over_a_socket_is_413_with_the_way_out(app: FastAPI, small: None) -> None:
    async with serving(app) as (host, port), AsyncClient(base_url=f"http://{host}:{port}") as client:
        headers = machine(**{"content-type": "application/json"})
        for content in (b" " * (MIB + 1), chunks(17), chunks(40)):
            answer = await client.post(PULL, content=content, headers=headers)
            assert answer.status_code == 413
            assert "PUT /api/admin/smt/payloads/{sha256}" in answer.json()["message"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await client.post(PULL, content=b" " * MIB, headers=headers)).json()["error"] == "BAD_JSON"


async def test_an_announced_length_is_refused_before_the_body_comes(app: FastAPI) -> None:
    async with serving(app) as (host, port):
        head = (
            f"POST {PULL} HTTP/1.1\r\nhost: x\r\ncontent-length: {65 * MIB}\r\nexpect: 100-continue\r\n\r\n"
        )
        answer = await raw(host, port, head.encode())
        assert answer.startswith(b"HTTP/1.1 413")


async def test_a_stream_over_its_limit_leaves_nothing(robot: AsyncClient, small: None) -> None:
    answer = await robot.put(f"/api/admin/smt/payloads/{'0' * 64}?filename=a.csv", content=chunks(17))
    assert answer.status_code == 413
    assert (await robot.get("/api/admin/debug/smt/raw-files")).json()["count"] == 0


async def test_packed_bodies_are_refused(robot: AsyncClient) -> None:
    answer = await robot.post(PULL, content=b"x", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]) == (415, "UNSUPPORTED_ENCODING")


async def test_a_sender_that_leaves_stores_nothing(app: FastAPI, robot: AsyncClient) -> None:
    body = b"half of it"
    path = f"/api/admin/smt/payloads/{hashlib.sha256(body * 2).hexdigest()}?filename=a.csv"
    lines = [f"PUT {path} HTTP/1.1", "host: x", f"content-length: {2 * len(body)}"]
    lines += [f"{name}: {value}" for name, value in machine().items()]
    async with serving(app) as (host, port):
        await raw(host, port, "\r\n".join([*lines, "", ""]).encode() + body)
        assert (await robot.get("/api/admin/debug/smt/raw-files")).json()["count"] == 0


async def test_a_silent_sender_is_not_waited_for(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SILENCE", 0.3)
    lines = [f"POST {PULL} HTTP/1.1", "host: x", "content-type: application/json", "content-length: 50"]
    lines += [f"{name}: {value}" for name, value in machine().items()]
    async with serving(app) as (host, port):
        answer = await raw(host, port, "\r\n".join([*lines, "", ""]).encode() + b"{")
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_nobody_reads_disturbs_no_answer(app: FastAPI, robot: AsyncClient, small: None) -> None:
    for path in ("/healthz", "/api/admin/debug/smt/raw-files"):
        assert (await robot.request("GET", path, content=chunks(40))).status_code == 200


async def test_sabotage_body_limit_is_noticed(robot: AsyncClient, small: None) -> None:
    async def refused() -> bool:
        answer = await robot.post(PULL, content=chunks(17), headers={"content-type": "application/json"})
        return answer.status_code == 413

    assert await refused()
    with sabotage("body_limit"):
        assert not await refused()
