"""The first stage of a cycle: new, settled remote files into enc/, each version once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wattledger.clock import Clock
from wattledger.connectors.smart_meter_texas.drop.folder import LARGEST, Drop, Place, RemoteFile, open_drop
from wattledger.errors import BadPayload, NotFound, TryLater, WattledgerError
from wattledger.relay.durable import create
from wattledger.relay.item import Item, remote_key
from wattledger.relay.report import Report
from wattledger.relay.settling import Settling
from wattledger.relay.spool import Spool
from wattledger.relay.stream import Stream

AT_ONCE = 8
GROUP = 64
MOST = 10_000
DEADLINE = 90.0


@dataclass(frozen=True, slots=True)
class Folders:
    """The two remote folders, and how long a file must lie still (seconds)."""

    usage: str
    reports: str
    settle: float

    def source(self, folder: str) -> str:
        """The hub's word for where a file came from."""
        return "enrollment" if folder == self.reports else "adhocusage"


class Fetch:
    """One round over both folders. A connection that breaks keeps what was whole before."""

    def __init__(
        self,
        spool: Spool,
        folders: Folders,
        clock: Clock,
        report: Report,
        deadline: float = DEADLINE,
        taken: Stream | None = None,
    ) -> None:
        self._spool = spool
        self._folders = folders
        self._clock = clock
        self._report = report
        self._deadline = deadline
        self._taken = taken or Stream()

    async def run(self, place: Place) -> None:
        """Fetches all that is new, within the deadline. What went wrong stands in the report."""
        if not await asyncio.to_thread(self._spool.room):
            self._report.stop(
                TryLater("The spool's disk is almost full: nothing is fetched until there is room.")
            )
            return
        limit = asyncio.timeout(self._deadline)
        try:
            async with limit, open_drop(place) as drop:
                found = await self._list(drop)
                for start in range(0, len(found), GROUP):
                    await self._take(drop, found[start : start + GROUP])
        except (WattledgerError, TimeoutError) as error:
            self._report.more = limit.expired() and self._report.fetched > 0
            over = TryLater(f"SFTP: the cycle's {self._deadline:g} seconds were over; the rest follows.")
            self._report.stop(error if isinstance(error, WattledgerError) and not limit.expired() else over)

    async def _list(self, drop: Drop) -> list[RemoteFile]:
        settling = Settling(self._spool.root / "young", self._clock, self._folders.settle)
        found: list[RemoteFile] = []
        for folder in dict.fromkeys((self._folders.usage, self._folders.reports)):
            try:
                async for file in drop.listing(folder):
                    if len(found) < MOST and self._is_new(file, settling):
                        found.append(file)
            except NotFound:
                if folder == self._folders.usage:
                    raise
                self._report.warnings.append(f"SFTP: the report folder {folder} does not exist.")
        settling.save()
        return found

    def _is_new(self, file: RemoteFile, settling: Settling) -> bool:
        key = key_of(file)
        if key in self._spool.ledger:
            return False
        if file.size > LARGEST:
            self._report.fail(
                file.name, "too_large", f"It has {file.size} bytes; at most {LARGEST} are taken."
            )
            return False
        return settling.settled(key, file.mtime)

    async def _take(self, drop: Drop, files: Sequence[RemoteFile]) -> None:
        whole: list[tuple[Item, Path]] = []
        queue = iter(files)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(files))):
                    group.create_task(self._work(drop, queue, whole))
        except BaseExceptionGroup as errors:  # not `except*`: before 3.11.4 it wraps what is raised in it
            ours, others = errors.split((WattledgerError, OSError))
            raise errors if ours is None or others else ours.exceptions[0] from None
        finally:
            await asyncio.to_thread(self._spool.keep, whole)
            self._report.fetched += len(whole)
            self._taken.put([item for item, _ in whole])

    async def _work(self, drop: Drop, queue: object, whole: list[tuple[Item, Path]]) -> None:
        for file in queue:  # type: ignore[attr-defined]
            if not await asyncio.to_thread(self._spool.room, file.size):
                raise TryLater("The spool's disk is almost full: the rest is fetched when there is room.")
            try:
                whole.append(await self._one(drop, file))
            except (BadPayload, NotFound) as error:
                self._report.fail(file.name, getattr(error, "code", "gone"), str(error))

    async def _one(self, drop: Drop, file: RemoteFile) -> tuple[Item, Path]:
        item = self._item(file)
        part = self._spool.path("part", item.id)
        try:
            part.unlink(missing_ok=True)
            with os.fdopen(create(part), "wb") as local:
                await drop.fetch(file, local.write)
        except OSError as error:
            _thrown_away(part)
            raise TryLater(f"The spool could not take a file ({error.strerror}); nothing is lost.") from None
        except BaseException:
            _thrown_away(part)
            raise
        return item, part

    def _item(self, file: RemoteFile) -> Item:
        return Item(
            key_of(file),
            file.name,
            file.folder,
            file.size,
            file.mtime,
            source=self._folders.source(file.folder),
            fetched_at=self._clock.now().timestamp(),
        )


def _thrown_away(part: Path) -> None:
    """Remove what came of a file; where the disk won't, the next cycle begins by doing so."""
    with suppress(OSError):
        part.unlink(missing_ok=True)


def key_of(file: RemoteFile) -> str:
    """The identity of this version of this remote file."""
    name = file.path.decode("utf-8", "backslashreplace")
    return remote_key(file.folder, name, file.size, file.mtime)
