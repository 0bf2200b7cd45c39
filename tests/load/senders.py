"""Senders: files at a steady rate, each again and again until a hub has acknowledged it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.load.files import Files
from tests.wire import WHOLE, Line, Wire

PATIENCE = 60.0
"""seconds for one answer, as the relay has"""
PAUSE = 0.1
AT_ONCE = 16


def spoiling(seed: int, share: float = 0.01) -> Callable[[int], Line]:
    """Of the connections that share is spoiled, one way or another: the same ones for the same seed."""

    def choose(number: int) -> Line:
        random = Random(seed * 1_000_003 + number)
        if random.random() >= share:
            return WHOLE
        at = random.randrange(1, 9000)
        drip = Line("drip", block=512, delay=0.005)
        ways = (Line("cut", cut_at=at), Line("half", half_at=at), Line("lost", lose_answer=True), drip)
        return random.choice(ways)

    return choose


@dataclass(frozen=True, slots=True)
class Sample:
    """One acknowledged request: when it was begun, and how long the answer took."""

    at: float
    took: float


@dataclass
class Senders:
    """`run` sends; what came of it is in the fields."""

    wires: list[Wire]
    files: Files
    headers: Mapping[str, str]
    rate: float
    acked: dict[str, int] = field(default_factory=dict)
    """how often each digest was sent until it was acknowledged"""
    samples: list[Sample] = field(default_factory=list)
    slowest: float = 0.0
    """seconds from the first try of a file to its acknowledgement, at most"""
    refused: list[str] = field(default_factory=list)
    """answers that are none of a hub which is there, or busy"""
    sent: int = 0
    took: float = 0.0

    async def run(self, seconds: float) -> None:
        """Send what falls due in that time, until all of it is acknowledged."""
        begin = monotonic()
        self.sent = int(seconds * self.rate)
        numbers = iter(range(self.sent))
        self._turn = itertools.cycle(self.wires)
        await asyncio.gather(*(self._work(numbers, begin) for _ in range(AT_ONCE)))
        self.took = monotonic() - begin

    async def _work(self, numbers: Iterator[int], begin: float) -> None:
        for n in numbers:
            await asyncio.sleep(max(0.0, begin + n / self.rate - monotonic()))
            await self._deliver(n)

    async def _deliver(self, n: int) -> None:
        digest, body = self.files.message(n)
        first = monotonic()
        for tries in itertools.count(1):
            at = monotonic()
            if await self._acknowledged(digest, body):
                self.samples.append(Sample(at, monotonic() - at))
                self.acked[digest] = tries
                self.slowest = max(self.slowest, monotonic() - first)
                return
            await asyncio.sleep(PAUSE)

    async def _acknowledged(self, digest: str, body: bytes) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                status, answer = await post(next(self._turn).port, self.headers, body)
        except (OSError, TimeoutError, ValueError, EOFError):
            return False
        if status == 200:
            said = json.loads(answer)
            kept = said["persisted"] or said["duplicate"]
            if said["sha256"] == digest and kept:
                return True
        if status not in (503, 507, 429):
            self.refused.append(f"{status} {answer[:200]!r}")
        return False


async def post(port: int, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own; ValueError for half an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = {
            "host": "hub",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"POST /api/admin/smt/pull HTTP/1.1\r\n{head}connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        answer = await reader.read(-1)
    finally:
        writer.transport.abort()
    head_bytes, _, text = answer.partition(b"\r\n\r\n")
    status = int(head_bytes[9:12] or b"x")
    lines_back = head_bytes.lower().split(b"\r\n")
    length = next((line for line in lines_back if line.startswith(b"content-length")), b":-1")
    if len(text) != int(length.partition(b":")[2]):
        raise ValueError("half an answer")
    return status, text
