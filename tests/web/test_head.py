"""HEAD is answered wherever GET is: same status and headers, no body."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient

from tests.web.helpers import ADMIN as TOKEN

ADMIN = {"x-admin-token": TOKEN}
SAME = ("content-type", "content-length", "cache-control")


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/openapi.json", "/signin", "/v1/me", "/nowhere",
     "/api/admin/smt/token", "/api/admin/smt/health", "/api/admin/debug/smt/raw-files"],
)  # fmt: skip
async def test_head_says_what_get_says_without_the_body(client: AsyncClient, path: str) -> None:
    got = await client.get(path, headers=ADMIN)
    head = await client.head(path, headers=ADMIN)
    assert (head.status_code, head.content) == (got.status_code, b"")
    if path != "/metrics":  # counts its own requests
        assert [head.headers.get(name) for name in SAME] == [got.headers.get(name) for name in SAME]


async def test_head_of_a_route_that_only_takes_bodies_is_refused(client: AsyncClient) -> None:
    assert (await client.head("/api/admin/smt/pull", headers=ADMIN)).status_code == 405
