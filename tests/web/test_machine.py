"""Machines' secrets: the whole matrix, on every machine route, compared without a crash or a leak."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import ADMIN, BASE, PULL, SECRET, FakeClock, machine
from tests.web.server import raw, serving
from wattledger.config import load_settings
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.web.app import create_app

NEXT = "the-next-value-of-a-secret"
READ = "/api/admin/debug/smt/raw-files"


def client_of(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url=BASE)


@pytest.mark.parametrize(
    ("headers", "read", "write"),
    [
        ({}, 401, 401),
        ({"x-admin-token": ""}, 401, 401),
        ({"x-admin-token": "wrong"}, 401, 401),
        ({"x-admin-token": ADMIN}, 200, 401),
        ({"x-admin-token": ADMIN + " x"}, 401, 401),
        ({"x-admin-token": SECRET}, 401, 401),
        ({"x-intelliwatt-secret": SECRET}, 401, 401),
        ({"x-intelliwatt-secret": ADMIN, "x-admin-token": SECRET}, 401, 401),
        ({"x-intelliwatt-secret": SECRET, "x-admin-token": ADMIN}, 200, 400),
        ({"x-intelliwatt-secret": SECRET, "x-admin-token": "wrong"}, 401, 401),
        ({"x-proxy-secret": SECRET}, 401, 401),
        ({"x-proxy-secret": SECRET, "x-admin-token": ADMIN}, 200, 401),
        ({"x-smt-secret": SECRET, "x-admin-token": ADMIN}, 200, 401),
        ({"authorization": f"Bearer {ADMIN}"}, 401, 401),
    ],
)
async def test_who_is_let_in(client: AsyncClient, headers: dict[str, str], read: int, write: int) -> None:
    assert (await client.get(READ, headers=headers)).status_code == read
    answer = await client.post(PULL, json={}, headers=headers)
    assert answer.status_code == write
    if write == 401:
        assert answer.json() == {"error": "Unauthorized"}


@pytest.mark.parametrize("secret", ["", "x" * 20])
async def test_an_unset_secret_is_503_and_names_its_variable(
    store: Store, tmp_path: Path, secret: str
) -> None:
    headers = {"x-intelliwatt-secret": secret, "x-admin-token": secret}
    async with client_of(create_app(store, load_settings(tmp_path, {}))) as client:
        read, write = await client.get(READ, headers=headers), await client.post(PULL, headers=headers)
    assert (read.status_code, read.json()) == (503, {"error": "ADMIN_TOKEN not configured"})
    assert write.status_code == 503
    assert write.json() == {"error": "INTELLIWATT_WEBHOOK_SECRET not configured"}
    async with client_of(create_app(store, load_settings(tmp_path, {}, webhook_secret=SECRET))) as client:
        write = await client.post(PULL, headers=machine())
    assert (write.status_code, write.json()) == (503, {"error": "ADMIN_TOKEN not configured"})


async def test_current_and_next_values_work_while_a_secret_is_rotated(store: Store, tmp_path: Path) -> None:
    settings = load_settings(
        tmp_path,
        {},
        admin_token=ADMIN,
        admin_token_next=NEXT,
        webhook_secret=SECRET,
        webhook_secret_next=NEXT[::-1],
    )
    async with client_of(create_app(store, settings)) as client:
        for secret in (SECRET, NEXT[::-1]):
            for admin in (ADMIN, NEXT):
                headers = {"x-intelliwatt-secret": secret, "x-admin-token": admin}
                assert (await client.post(PULL, json={}, headers=headers)).status_code == 400


async def test_odd_headers_over_a_socket(app: FastAPI) -> None:
    """Non-ASCII is 401, a doubled secret 400; neither is ever a 500."""
    async with serving(app) as (host, port):

        async def status(*headers: bytes) -> int:
            lines = (
                b"GET /api/admin/smt/token HTTP/1.1",
                b"host: x",
                *headers,
                b"connection: close",
                b"",
                b"",
            )
            return int((await raw(host, port, b"\r\n".join(lines))).split(b" ", 2)[1])

        good = b"x-admin-token: " + ADMIN.encode()
        assert await status(good) == 501
        assert await status(b"x-admin-token: \xe4\xf6\xfc\xff") == 401
        assert await status("x-admin-token: пароль".encode()) == 401
        assert await status(good, good) == 400
        assert await status(good, b"X-Admin-Token: other") == 400
        assert await status(b"x-admin-token:") == 401
        assert await status(b"x-admin-token: " + b"a" * 8000) == 401


async def test_many_wrong_secrets_are_429_and_the_right_ones_still_pass(
    client: AsyncClient, clock: FakeClock
) -> None:
    wrong = {"x-admin-token": "wrong"}
    codes = [(await client.get(READ, headers=wrong)).status_code for _ in range(30)]
    assert codes[:20] == [401] * 20 and codes[20:] == [429] * 10
    refused = await client.get(READ, headers=wrong)
    assert int(refused.headers["retry-after"]) >= 1
    assert (await client.get(READ, headers=machine())).status_code == 200
    clock.move(timedelta(minutes=1))
    assert (await client.get(READ, headers=wrong)).status_code == 401


async def test_sabotage_machine_auth_is_noticed(client: AsyncClient) -> None:
    async def refused() -> bool:
        return (await client.get(READ)).status_code == 401

    assert await refused()
    with sabotage("machine_auth"):
        assert not await refused()
