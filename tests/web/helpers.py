"""Small things that the hub's tests share."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from httpx2 import AsyncClient

from wattledger.store import Store
from wattledger.web.trigger import TriggerFailed

ADMIN = "the-admin-token-of-the-tests"
SECRET = "the-webhook-secret-of-the-tests"
BASE = "http://127.0.0.1:8000"
PULL = "/api/admin/smt/pull"


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now, self._ticks = now, 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._ticks

    def move(self, by: timedelta) -> None:
        self._now += by
        self._ticks += by.total_seconds()


class Relay:
    """Takes the hub's wishes; `fails` is raised instead."""

    def __init__(self) -> None:
        self.wishes: list[Mapping[str, Any]] = []
        self.fails: TriggerFailed | None = None

    async def __call__(self, wish: Mapping[str, Any]) -> Any:
        if self.fails:
            raise self.fails
        self.wishes.append(wish)
        return {"ok": True, "run": "r1"}


def machine(**other: str) -> dict[str, str]:
    return {"x-intelliwatt-secret": SECRET, "x-admin-token": ADMIN, **other}


def inline(body: bytes, encoding: str = "base64", **more: Any) -> dict[str, Any]:
    """The brief's body for a file; a value of None leaves the field out."""
    packed = gzip.compress(body, mtime=0) if encoding == "base64+gzip" else body
    message = {
        "filename": "adhoc_1044XXXX_usage_2025-11-11.csv",
        "mime": "text/csv",
        "encoding": encoding,
        "content_b64": base64.b64encode(packed).decode(),
        "meter": "M1",
        "captured_at": "2025-11-11T19:30:10Z",
        **more,
    }
    return {key: value for key, value in message.items() if value is not None}


async def sign_in(client: AsyncClient, store: Store, email: str, now: datetime) -> None:
    """Sign a browser in by a link and its button."""
    await store.people.add_user(email)
    token = await store.people.start_link(email, now)
    answer = await client.post("/auth/link", data={"token": token or ""})
    assert answer.status_code == 303, answer.text
