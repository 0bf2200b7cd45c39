"""uvicorn looks ten times a second whether it should end; a thousand servers of tests can't wait for that."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn.server

TIMES = 20


class _Asyncio:
    """As `asyncio`, with shorter sleeps."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / TIMES)


def shorten() -> None:
    """From here on servers of this process end within milliseconds."""
    uvicorn.server.asyncio = _Asyncio()  # type: ignore[attr-defined, assignment]
