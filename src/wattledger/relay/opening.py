"""The second stage of a cycle: fetched files are opened, layer by layer, into the payloads to deliver."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Sequence

from wattledger.clock import Clock, token
from wattledger.connectors import unwrap
from wattledger.connectors.smart_meter_texas.drop.pgp import (
    FOREIGN,
    OPERATOR,
    PASSING,
    Opened,
    PgpKeys,
    looks_encrypted,
    open_files,
)
from wattledger.connectors.smart_meter_texas.drop.pgp_packets import HEAD
from wattledger.errors import BadPayload, TryLater
from wattledger.faults import sabotaged
from wattledger.relay.item import Item
from wattledger.relay.pause import backoff, due
from wattledger.relay.report import Report
from wattledger.relay.spool import Spool
from wattledger.relay.stream import Stream

BATCH = 64
AT_ONCE = 32 << 20
"""bytes of payloads that are written together"""
MOST_TRIES = 5
ENDING = re.compile(r"(\.\d{6,15})?\.(asc|pgp|gpg)$", re.IGNORECASE)
MAGIC = ((b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"))
Layer = dict[str, str]


class Opening:
    """One round over enc/. A file that can't be opened delays no other."""

    def __init__(self, spool: Spool, keys: PgpKeys, clock: Clock, report: Report, ready: Stream) -> None:
        self._spool = spool
        self._keys = keys
        self._clock = clock
        self._report = report
        self._out = ready
        self._laid: list[Item] = []
        self._ready: list[tuple[Item, list[tuple[Item, bytes]], bool]] = []

    async def run(self, taken: Stream) -> None:
        """Opens what comes, in batches that share one limited child; what is ready is handed on at once."""
        if not await asyncio.to_thread(self._spool.room):
            self._report.stop(
                TryLater("The spool's disk is almost full: nothing is opened until there is room.")
            )
            return
        while batch := await taken.take(BATCH):
            await self._batch(batch)
            self._out.put(self._laid)
            self._laid = []

    def due(self) -> list[Item]:
        """What lies in enc/ and may be tried now; to be asked before anything is added.

        With it goes what was set aside for want of its key, once the key is another one.
        """
        self._other_key()
        now = self._clock.now().timestamp()
        return [item for item in self._spool.items("enc") if due(item.next_try, now)]

    def _other_key(self) -> None:
        mark = self._keys.mark()
        waiting = [i for i in self._spool.items("bad") if i.code == FOREIGN and i.key != mark]
        if mark and waiting and not sabotaged("key_again"):
            self._spool.requeue([item.id for item in waiting])

    async def _batch(self, items: Sequence[Item]) -> None:
        encrypted = [item for item in items if looks_encrypted(self._head(item))]
        locked = {item.id for item in encrypted}
        for item in items:
            if item.id not in locked:
                await asyncio.to_thread(self._plain, item)
        mark = token(6)  # a child that outlived a killed relay must not write into our file
        jobs = [
            (self._spool.path("enc", i.id), self._spool.path("part", f"{i.id}.{mark}")) for i in encrypted
        ]
        if jobs:
            for item, opened in zip(encrypted, await open_files(jobs, self._keys), strict=True):
                await asyncio.to_thread(self._decrypted, item, opened)
        await asyncio.to_thread(self._flush)

    def _head(self, item: Item) -> bytes:
        with self._spool.path("enc", item.id).open("rb") as file:
            return file.read(HEAD)

    def _plain(self, item: Item) -> None:
        body = self._spool.path("enc", item.id).read_bytes()
        if not body:
            self._aside(item, BadPayload("It has no bytes; a later version is fetched by itself.", "empty"))
            return
        self._spread(item, body, [], encrypted=False)

    def _decrypted(self, item: Item, opened: Opened) -> None:
        if opened.error is not None:
            self._judge(item, opened.error)
            return
        self._report.decrypted += 1
        with self._spool.path("enc", item.id).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            body = opened.target.read_bytes()
            self._spread(item, body, [_layer("pgp", item.name, digest)], encrypted=True)
        finally:
            opened.target.unlink(missing_ok=True)

    def _judge(self, item: Item, error: BadPayload) -> None:
        passing = error.code in PASSING and item.attempts + 1 < MOST_TRIES
        if error.code not in OPERATOR and not passing:
            item.key = self._keys.mark()
            self._aside(item, error)
            return
        known = item.code == error.code
        item.attempts += 1
        item.next_try = self._clock.now().timestamp() + backoff(item.attempts) if passing else 0
        item.code, item.last_error = error.code, str(error)
        if passing or not known:
            self._spool.note(item)
        self._report.fail(item.name, error.code, str(error))

    def _spread(self, item: Item, body: bytes, layers: list[Layer], *, encrypted: bool) -> None:
        try:
            found = unwrap.opened(body, _bare(item.name))
            if not found.members:
                raise BadPayload("The archive is empty; a later version is fetched by itself.", "empty")
        except BadPayload as error:
            self._aside(item, error)
            return
        self._report.warnings += [f"{item.name}: {note}" for note in found.notes]
        outer = [*layers, *_container(item, body)]
        self._ready.append((item, list(self._payloads(item, found.members, outer)), encrypted))
        if sum(len(body) for _, payloads, _ in self._ready for _, body in payloads) > AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Lays all that is ready into out/ with few syncs, then takes its sources away."""
        ready, self._ready = self._ready, []
        self._laid += self._spool.to_deliver([one for _, payloads, _ in ready for one in payloads])
        for item, _, encrypted in ready:
            self._spool.opened(item, encrypted)
            self._report.processed_files += 1

    def _payloads(
        self, item: Item, found: Iterable[unwrap.Member], layers: list[Layer]
    ) -> Iterable[tuple[Item, bytes]]:
        for index, member in enumerate(found):
            payload = Item(
                f"{item.id}-{index}",
                member.name,
                item.folder,
                len(member.body),
                item.mtime,
                source=item.source,
                stage="out",
                sha256=hashlib.sha256(member.body).hexdigest(),
                fetched_at=item.fetched_at,
                wrapped_in=layers,
            )
            yield payload, member.body

    def _aside(self, item: Item, error: BadPayload) -> None:
        self._spool.set_aside(item, error.code, str(error))
        self._report.fail(item.name, error.code, str(error))


def _container(item: Item, body: bytes) -> list[Layer]:
    kind = next((kind for magic, kind in MAGIC if body.startswith(magic)), None)
    return [_layer(kind, _bare(item.name), hashlib.sha256(body).hexdigest())] if kind else []


def _bare(name: str) -> str:
    return ENDING.sub("", name) or name


def _layer(kind: str, name: str, sha256: str) -> Layer:
    return {"kind": kind, "name": name, "sha256": sha256}
