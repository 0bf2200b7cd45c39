"""Senders of webhooks in a process of their own: signed events over kept connections, as a vendor's workers.

python -m benchmarks.callers PORT KEY CARS FIRST COUNT SENDERS     prints {"seconds": ..., "longest": ...}
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SIGNALS: dict[str, dict[str, Any]] = {
    "TractionBattery StateOfCharge": {"value": 61, "unit": "percent"},
    "Charge IsCharging": {"value": True},
    "Charge IsChargingCableConnected": {"value": True},
    "Odometer TraveledDistance": {"value": 12345, "unit": "km"},
    "Location PreciseLocation": {"latitude": 30.26, "longitude": -97.74},
}


def car(number: int) -> str:
    """The vendor's id of a car."""
    return f"{number:08d}-0000-4000-8000-000000000000"


def event(number: int, cars: int) -> bytes:
    """A state event of one car, at its own instant."""
    at = (FIRST + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    vehicle = {"id": car(number % cars), "make": "TESLA", "model": "Model 3", "year": 2020}
    data = {"user": {"id": "u"}, "vehicle": vehicle, "signals": [_signal(name, at) for name in SIGNALS]}
    meta = {"version": "4.0", "mode": "LIVE", "webhookId": "w", "signalCount": len(SIGNALS)}
    told = {"eventId": f"event-{number}", "eventType": "VEHICLE_STATE", "data": data, "meta": meta}
    return json.dumps(told).encode()


def _signal(name: str, at: str) -> dict[str, Any]:
    group, short = name.split()
    about = {"code": f"{group}-{short}".lower(), "name": short, "group": group}
    times = {"oemUpdatedAt": at, "retrievedAt": at}
    return {**about, "status": {"value": "SUCCESS"}, "body": SIGNALS[name], "meta": times}


def request(body: bytes, key: str) -> bytes:
    """A signed call as it goes over the wire."""
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhooks/smartcar HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"SC-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(ports: Sequence[int], calls: list[bytes], senders: int) -> dict[str, float]:
    """Make all calls, each sender to one of the ports. Raises RuntimeError for any answer but 200."""
    left, took = iter(calls), list[float]()

    async def one(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for call in left:
            began = perf_counter()
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(perf_counter() - began)
        writer.close()

    began = perf_counter()
    await asyncio.gather(*(one(ports[n % len(ports)]) for n in range(senders)))
    return {"seconds": perf_counter() - began, "longest": max(took)}


def main() -> None:
    """Make the calls, then print how long they took."""
    port, cars, first, count, senders = (int(sys.argv[i]) for i in (1, 3, 4, 5, 6))
    calls = [request(event(number, cars), sys.argv[2]) for number in range(first, first + count)]
    print(json.dumps(asyncio.run(send([port], calls, senders))))


if __name__ == "__main__":
    main()
