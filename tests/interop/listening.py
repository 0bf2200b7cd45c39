"""Home Assistant's side of the wire: retained messages, and how its statistics add up a sensor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import aiomqtt

DIP = 0.9
"""Home Assistant takes a `total_increasing` below this share of the last value for a new meter"""


async def retained(port: int, topic: str = "#", seconds: float = 0.4, **more: Any) -> dict[str, bytes]:
    """What a broker holds now."""
    found: dict[str, bytes] = {}
    async with aiomqtt.Client("127.0.0.1", port, **more) as client:
        await client.subscribe(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in client.messages:
                    if message.retain:
                        found[str(message.topic)] = bytes(message.payload)
    return found


async def until(port: int, topic: str, wanted: Any = None, seconds: float = 20) -> Any:
    """Wait until a topic's JSON (or text) is `wanted`, anything by default; returns it."""
    said: Any = None
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in client.messages:
                    said = _value(bytes(message.payload))
                    if wanted in (None, said):
                        return said
    raise AssertionError(f"{topic} never was {wanted!r}, at last {said!r}")


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


def added_up(values: Iterable[float], state_class: str) -> float:
    """What the Energy dashboard shows altogether after these values, the first of which is its zero."""
    total, last = 0.0, None
    for value in values:
        if last is not None:
            fresh = state_class == "total_increasing" and value < DIP * last
            total += value if fresh else value - last
        last = value
    return round(total, 3)
