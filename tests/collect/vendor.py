"""A small vendor on a real socket: strictly rotating tokens, one reading an account, faults by account."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

LIFE = timedelta(hours=2)


class Vendor:
    """Token k (from 1) lives until `start` + k * LIFE. An old refresh word ends the account."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.refreshes: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.answers: dict[str, list[Response]] = {}
        """what an account's next readings are answered with instead"""
        self.token_answers: list[Response] = []
        self.hanging: set[str] = set()
        self.slow = 0.0
        self.before_token: Callable[[], Awaitable[None]] | None = None
        self._current: dict[str, int] = {}
        self.app = FastAPI()
        self.app.post("/token")(self.token)
        self.app.get("/readings/{account}")(self.readings)

    async def token(self, request: Request) -> Response:
        asked = await request.json()
        account, given = asked["account"], asked.get("refresh")
        self.refreshes[account] += 1
        await asyncio.sleep(self.slow)
        if self.before_token:
            await self.before_token()
        if self.token_answers:
            return self.token_answers.pop(0)
        now = self._current.get(account, 0)
        if given is not None and given != f"{account}-refresh-{now}":
            self._current[account] = -1
            return JSONResponse({"error": "invalid_grant"}, 400)
        self._current[account] = now + 1
        return JSONResponse(self.issued(account, now + 1))

    def issued(self, account: str, generation: int) -> dict[str, str]:
        """The answer that carries an account's token of that generation."""
        until = self.start + generation * LIFE
        return {
            "access": f"{account}-canary-{generation}",
            "refresh": f"{account}-refresh-{generation}",
            "expires_at": until.isoformat(),
        }

    async def readings(self, account: str, request: Request) -> Response:
        self.reads[account] += 1
        if account in self.hanging:
            await asyncio.sleep(60)
        wanted = f"Bearer {account}-canary-{self._current.get(account, 0)}"
        if request.headers.get("authorization") != wanted:
            return Response(status_code=401)
        if self.answers.get(account):
            return self.answers[account].pop(0)
        return JSONResponse({"account": account, "wh": 250, "read": self.reads[account]})
