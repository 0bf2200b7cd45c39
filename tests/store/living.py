"""A home that goes on from one crash to the next: what was sent, what was acknowledged, and what must hold.

Files fall on the same few days of the same two meters, with and without revisions, so that the order in
which they are merged would show. Half are delivered, half are received and read by a worker later.
"""

from __future__ import annotations

import asyncio
import os
import random
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.store.fake import StillClock, block, file, parse

from wattledger.errors import TryLater
from wattledger.model import Payload
from wattledger.secrets import Vault
from wattledger.store import Store, open_store

METERS = ("10443720001234567", "10443720007654321")
LARGE_EVERY = 17
"""one file of so many is too large for the database"""


def told(seed: int, number: int) -> Payload:
    """A file that differs from every other by its number."""
    chance = random.Random(f"{seed}-{number}")
    blocks = [
        block(
            20000 + chance.randrange(6),
            [chance.randrange(900) for _ in range(96)],
            p=p,
            rev=chance.choice([None, 1_740_000_000, 1_740_086_400]),
            fl=[chance.randrange(2)] * 96,
        )
        for p in range(2)
    ]
    noise = chance.randbytes(300_000).hex() if number % LARGE_EVERY == 0 else ""
    return file(*blocks, points=METERS, name=f"{number}.json", noise=noise, number=number)


@dataclass
class Living:
    """See the module. `minutes` is how far its clock is ahead: leases of the dead are over by then."""

    url: str
    data: Path
    seed: int
    sent: int = 0
    acked: set[str] = field(default_factory=set)
    minutes: int = 0

    async def open(self) -> Store:
        clock = StillClock()
        clock.pass_by(minutes=self.minutes)
        return await open_store(self.url, data=self.data, parse=parse, vault=Vault({}), clock=clock)

    def child(self, life: Callable[[Store, int], object]) -> tuple[int, int]:
        """Fork a child that lives with the store and a pipe; its pid, and the pipe's other end."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        code = 1
        try:
            os.close(reading)
            asyncio.run(self._live(life, writing))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    async def _live(self, life: Callable[[Store, int], object], pipe: int) -> None:
        result = life(await self._opened(), pipe)
        assert asyncio.iscoroutine(result)
        await result

    async def _opened(self) -> Store:
        while True:
            with suppress(TryLater):
                return await self.open()
            await asyncio.sleep(0.01)

    def sender(self, count: int) -> Callable[[Store, int], object]:
        """Sends the next `count` files and tells each acknowledgement."""
        first, self.sent = self.sent, self.sent + count

        async def send(store: Store, pipe: int) -> None:
            site = (await store.sites.default()).id
            for number in range(first, first + count):
                await patiently(store, site, told(self.seed, number), number)
                os.write(pipe, f"{number}\n".encode())

        return send

    def hear(self, pipe: int) -> None:
        """Take down what was acknowledged."""
        with os.fdopen(pipe, "rb") as reading:
            self.acked |= {told(self.seed, int(n)).sha256 for n in reading.read().split()}

    def heard(self, pipe: int) -> int:
        """Take down what was acknowledged so far, one number after the other; how many were."""
        os.set_blocking(pipe, False)
        with suppress(BlockingIOError):
            while told_now := os.read(pipe, 1 << 16):
                self.acked |= {told(self.seed, int(n)).sha256 for n in told_now.split()}
        return len(self.acked)

    def judge(self) -> None:
        """What was acknowledged is here and whole; sending all again leads to the undisturbed ledger."""
        self.minutes += 3
        asyncio.run(self._judge())

    async def _judge(self) -> None:
        store = await self.open()
        try:
            site = (await store.sites.default()).id
            while await store.payloads.read_orphans():
                continue
            rows = await store.payloads.list(site, limit=2 * self.sent + 1)
            lost = self.acked - {row.sha256 for row in rows if row.state == "read"}
            assert not lost, f"lost: {len(lost)} of {len(self.acked)} acknowledged files are not read"
            for row in rows:
                assert await store.payloads.body(row.id, site), "unreadable"
            files = [told(self.seed, number) for number in range(self.sent)]
            for number, payload in enumerate(files):
                await patiently(store, site, payload, number)
            while await store.payloads.read_orphans():
                continue
            rows = await store.payloads.list(site, limit=2 * self.sent + 1)
            assert len(rows) == len(files), "doubled: a file is there twice"
            assert await store.digest() == await undisturbed(files), "a Wh changed"
        finally:
            await store.close()


async def patiently(store: Store, site: str, payload: Payload, number: int) -> None:
    """Deliver or receive; a database that is away is asked again."""
    while True:
        with suppress(TryLater):
            if number % 2:
                await store.payloads.receive(site, payload, payload.sha256)
            else:
                await store.payloads.deliver(site, payload)
            return
        await asyncio.sleep(0.01)


async def work(store: Store, pipe: int) -> None:
    """A worker's life: read what waits, without end."""
    while True:
        read = 0
        with suppress(TryLater):
            read = await store.payloads.read_orphans(20)
        await asyncio.sleep(0 if read else 0.005)


async def undisturbed(files: Sequence[Payload]) -> str:
    """The digest of a calm home that gets the same files in another order."""
    with TemporaryDirectory(prefix="wl-calm-") as name:
        folder = Path(name)
        store = await open_store(f"sqlite:///{folder / 'x.db'}", data=folder, parse=parse, vault=Vault({}))
        site = (await store.sites.default()).id
        for payload in sorted(files, key=lambda one: one.sha256):
            await store.payloads.deliver(site, payload)
        word = await store.digest()
        await store.close()
    return word
