"""The relay's memory: five folders and a lock, no database.

    part/   being written; thrown away at every start
    enc/    fetched, still to be opened
    out/    payloads to deliver (plaintext, private folder)
    done/   receipts and ciphertext for thirty days; ciphertext goes earlier where the disk is almost full
    bad/    set aside with a reason; `wattledger relay requeue` sends them round again

Every file has a sidecar `<id>.json`, written first, so a body without one never happens by itself.
A plaintext is unlinked only after its receipt is durable in done/.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import date, timedelta
from heapq import nsmallest
from pathlib import Path
from threading import Lock

import orjson

from wattledger.clock import Clock
from wattledger.errors import BadPayload, Misconfigured, NotFound, TryLater
from wattledger.faults import fault, sabotaged
from wattledger.relay.durable import durable_write, settle_all, sync, write_all
from wattledger.relay.item import Item
from wattledger.relay.ledger import Ledger
from wattledger.relay.pause import due

FOLDERS = ("part", "enc", "out", "done", "bad")
SIDECAR = ".json"
RECEIPT = ".receipt"
KEEP = timedelta(days=30)
LOW_BYTES = 256 << 20
LOW_SHARE = 0.1
AT_ONCE = 1000
"""copies that are looked up together where they must go"""
Usage = Callable[[Path], tuple[int, int, int]]


class Spool:
    """The folders under one root. All methods but `bad`, `count` and `low` need the lock to be held."""

    def __init__(self, root: Path, clock: Clock, *, usage: Usage = shutil.disk_usage) -> None:
        self.root = root
        self._clock = clock
        self._usage = usage
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in FOLDERS:
                (root / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"SMT_INBOX_DIR: {root} can't be made ({error.strerror}).") from None
        self.ledger = Ledger(root / "ledger")
        self.recovered = False
        """whether this process has looked through all of done/ once"""
        self._making_room = Lock()
        self._oldest: list[str] = []
        self._pruned: date | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the root for this process and no other. Raises TryLater when another one has it."""
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not sabotaged("run_lock"):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise TryLater(
                f"Another relay works in {self.root} just now; try again when it is done."
            ) from None
        finally:
            os.close(descriptor)

    @asynccontextmanager
    async def held(self, seconds: float) -> AsyncIterator[None]:
        """`locked`, waiting up to so many seconds for the other one to be done. Raises TryLater."""
        end = self._clock.monotonic() + seconds
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self.locked())
                    break
                except TryLater:
                    if self._clock.monotonic() >= end:
                        raise
                await asyncio.sleep(0.1)
            yield

    def path(self, folder: str, item_id: str) -> Path:
        return self.root / folder / item_id

    def sidecar(self, folder: str, item_id: str) -> Path:
        return self.root / folder / (item_id + SIDECAR)

    def low(self, needed: int = 0) -> bool:
        """Whether the disk is too full to take `needed` more bytes: then only deliveries go on.

        Less than 256 MiB would be left, or less than a tenth of a disk that is small.
        """
        total, _, free = self._usage(self.root)
        return free - needed < min(LOW_BYTES, total * LOW_SHARE)

    def room(self, needed: int = 0) -> bool:
        """Whether the disk takes `needed` more bytes; where it is low, the oldest delivered copies go."""
        if not self.low(needed):
            return True
        if sabotaged("room_from_done"):
            return False
        with self._making_room:
            while self.low(needed):
                self._oldest = self._oldest or self._copies()
                if not self._oldest:
                    return False
                self._forget("done", self._oldest.pop())
        return True

    def _copies(self) -> list[str]:
        """The oldest copies of what was delivered, the oldest last: enough for a while, for looking costs."""
        kept = [path.stem for path in (self.root / "done").glob("*" + SIDECAR)]
        waiting = {path.name.rpartition("-")[0] for path in (self.root / "out").iterdir()}
        delivered = (item_id for item_id in kept if item_id not in waiting)
        oldest = nsmallest(AT_ONCE, delivered, lambda one: self.sidecar("done", one).stat().st_mtime)
        return oldest[::-1]

    def items(self, folder: str) -> list[Item]:
        """What lies in a folder, oldest first. Damaged sidecars are left to recovery."""
        found = []
        for path in (self.root / folder).glob("*" + SIDECAR):
            try:
                found.append(Item.load(path.read_bytes()))
            except (BadPayload, FileNotFoundError):
                continue
        return sorted(found, key=lambda item: (item.fetched_at, item.id))

    def count(self, folder: str) -> int:
        """How many files lie in a folder; any process may ask."""
        return sum(1 for _ in (self.root / folder).glob("*" + SIDECAR))

    def next_due(self) -> float | None:
        """When the first waiting file may be tried again (UTC epoch seconds); None where none waits."""
        waiting = [i.next_try for i in self.items("out")]
        waiting += [i.next_try for i in self.items("enc") if i.next_try]
        now = self._clock.now().timestamp()
        return min((min(at, now) if due(at, now) else at for at in waiting), default=None)

    def keep(self, fetched: Sequence[tuple[Item, Path]]) -> None:
        """Takes fetched files (sidecar, part file) into enc/, then remembers that they were taken."""
        write_all([(self.sidecar("enc", item.id), item.dump()) for item, _ in fetched])
        settle_all([(part, self.path("enc", item.id)) for item, part in fetched])
        self.ledger.add([item.id for item, _ in fetched])

    def to_deliver(self, payloads: Sequence[tuple[Item, bytes]]) -> list[Item]:
        """Lays payloads into out/ and returns them; one that lies there or has gone on is left out.

        A delivery may run meanwhile: it makes the next trace of a payload before it takes the last one away.
        """
        new = [(item, body) for item, body in payloads if not self._laid(item.id)]
        if len(new) < len(payloads):
            sync(self.root / "out")
        write_all([(self.sidecar("out", item.id), item.dump()) for item, _ in new])
        write_all([(self.path("out", item.id), body) for item, body in new])
        return [item for item, _ in new]

    def _laid(self, item_id: str) -> bool:
        """Looked for in the order in which a payload travels, so that it can't be missed under way."""
        names = (("out", item_id), ("bad", item_id), ("done", item_id + RECEIPT))
        return any(self.path(*name).exists() for name in names)

    def opened(self, item: Item, encrypted: bool) -> None:
        """All that was in a fetched file lies in out/: ciphertext is kept a while, plaintext is not.

        Nothing is synced: if this is undone by a power cut, the file is opened again to the same payloads.
        """
        body, sidecar = self.path("enc", item.id), self.sidecar("enc", item.id)
        if encrypted:
            body.rename(self.path("done", item.id))
            sidecar.rename(self.sidecar("done", item.id))
        else:
            body.unlink(missing_ok=True)
            sidecar.unlink(missing_ok=True)

    def received(self, item: Item, receipt: dict[str, object]) -> None:
        """The hub has it: the receipt first, and only then the plaintext goes."""
        if sabotaged("unlink_order"):
            self._forget("out", item.id)
        fault("relay.before_receipt")
        stamp = {"at": self._clock.now().timestamp(), "name": item.name, **receipt}
        durable_write(self.path("done", item.id + RECEIPT), orjson.dumps(stamp))
        fault("relay.after_receipt")
        self._forget("out", item.id)

    def note(self, item: Item) -> None:
        """Writes an item's sidecar again (attempts, next try, last error)."""
        durable_write(self.sidecar(item.stage, item.id), item.dump())

    def set_aside(self, item: Item, code: str, reason: str) -> None:
        """Moves a file into bad/ with the reason."""
        item.code, item.last_error = code, reason
        durable_write(self.sidecar("bad", item.id), item.dump())
        body = self.path(item.stage, item.id)
        if body.exists():
            settle_all([(body, self.path("bad", item.id))])
        self.sidecar(item.stage, item.id).unlink(missing_ok=True)

    def requeue(self, ids: Sequence[str] = ()) -> list[Item]:
        """Sends set-aside files round again: all, or those whose id or name is given. Raises NotFound."""
        bad = self.items("bad")
        chosen = [i for i in bad if not ids or i.id in ids or i.name in ids]
        unknown = set(ids) - {i.id for i in chosen} - {i.name for i in chosen}
        if unknown:
            raise NotFound(
                f"Nothing set aside is called {', '.join(sorted(unknown))}; see `wattledger relay spool`."
            )
        for item in chosen:
            self._send_round(item)
        return chosen

    def prune(self) -> int:
        """Removes, once a day, ciphertext and receipts that have been done for thirty days; how many went."""
        now = self._clock.now()
        if self._pruned == now.date():
            return 0
        before = (now - KEEP).timestamp()
        old = [p for p in (self.root / "done").iterdir() if p.stat().st_mtime < before]
        for path in old:
            path.unlink()
        self._pruned = now.date()
        return len(old)

    def _send_round(self, item: Item) -> None:
        body, stage = self.path("bad", item.id), item.stage
        if not body.exists():
            return
        item.attempts, item.next_try, item.code, item.last_error = 0, 0, "", ""
        durable_write(self.sidecar(stage, item.id), item.dump())
        settle_all([(body, self.path(stage, item.id))])
        self.sidecar("bad", item.id).unlink()

    def _forget(self, folder: str, item_id: str) -> None:
        self.path(folder, item_id).unlink(missing_ok=True)
        self.sidecar(folder, item_id).unlink(missing_ok=True)
