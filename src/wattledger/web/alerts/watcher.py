"""Looks at every site once a minute: what needs a person is opened, what is cured is closed.

Of several processes one looks at a time. After a start, and after a sleep of the machine, sources get their
period to deliver before they count as silent; what was open stays open meanwhile.
"""

from __future__ import annotations

import shutil
import socket
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from wattledger.clock import Clock
from wattledger.config import Settings
from wattledger.insight.alert_findings import Facts, Room, judge
from wattledger.insight.alerts import Kind, Watch
from wattledger.store import Store
from wattledger.store.alerts.alerts import AlertRow, Changes
from wattledger.store.people.sites import DEFAULT_SITE, SiteRow
from wattledger.web.alerts.facts import Seen, meters_of, seen
from wattledger.web.alerts.slow import Slow
from wattledger.web.disk import LOW_BYTES, LOW_SHARE, Usage

ASLEEP = timedelta(minutes=5)
"""between two looks, from which on we were away ourselves"""
SLOW_KINDS = {Kind.GAP.value, Kind.OVER.value}
OTHERS_DISK = timedelta(hours=2)
"""for which another machine's word about its disk holds"""
PRUNE = timedelta(days=1)
log = structlog.get_logger(__name__)


class Watcher:
    """One process's looks."""

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, usage: Usage = shutil.disk_usage
    ) -> None:
        self._store, self._settings, self._clock, self._usage = store, settings, clock, usage
        self._slow = Slow(store)
        self._awake = self._last = clock.now()
        self._pruned: datetime | None = None
        self.host = socket.gethostname()

    async def look(self) -> Changes:
        """One look at all sites; nothing where another process looks just now."""
        now = self._clock.now()
        if not timedelta(0) <= now - self._last < ASLEEP:
            self._awake = now
        self._last = now
        async with self._store.database.attempt("alerts") as free:
            return await self._look(now) if free else Changes()

    async def _look(self, now: datetime) -> Changes:
        sites = await self._store.sites.list()
        found = await seen(self._store, now, self._settings.relay_every_minutes)
        await self._slow.look(found.meters, {site.id: site.timezone for site in sites}, now)
        known: dict[str, list[AlertRow]] = defaultdict(list)
        for row in await self._store.alerts.open(None):
            known[row.site].append(row)
        total = Changes()
        for site in sites:
            changes = await self._site(site, found, known[site.id], now)
            total.opened += changes.opened
            total.updated += changes.updated
            total.closed += changes.closed
        await self._prune(now)
        _say(total)
        return total

    async def _site(self, site: SiteRow, found: Seen, known: Sequence[AlertRow], now: datetime) -> Changes:
        facts, watch = self._facts(site.id, found), Watch(now, self._awake, site.timezone)
        return await self._store.alerts.reconcile(
            site.id, now, judge(facts, watch), keep=lambda row: self._others(row, now), known=known
        )

    def _facts(self, site: str, found: Seen) -> Facts:
        """What is judged of a site; what concerns the whole installation is the first site's."""
        slow, first = self._slow.known.get(site), site == DEFAULT_SITE
        return Facts(
            found.sources.get(site, ()),
            found.cars.get(site, ()),
            found.units.get(site, ()),
            found.relays if first else (),
            meters_of(found.meters.get(site, ())),
            slow.gaps if slow else (),
            found.files.get(site, ()),
            slow.over if slow else None,
            self._rooms() if first else (),
        )

    def _others(self, row: AlertRow, now: datetime) -> bool:
        """Whether an alert is not ours to close: not looked at yet, or of another machine."""
        if row.kind in SLOW_KINDS:
            return row.site not in self._slow.known
        if row.kind == Kind.DISK:
            return row.subject.partition(" ")[0] != f"disk:{self.host}" and now - row.seen_at < OTHERS_DISK
        return False

    def _rooms(self) -> list[Room]:
        """The disks that this process writes to, each once."""
        folders, objects = [self._settings.data], self._settings.objects
        if objects and "://" not in objects:
            folders.append(Path(objects))
        rooms: dict[int, Room] = {}
        for folder in folders:
            try:
                device, (total, _, free) = folder.stat().st_dev, self._usage(folder)
            except OSError:
                continue
            tight = free < total * LOW_SHARE
            name = self.host if not rooms else f"{self.host} {folder.name}"
            low = free < 2 * LOW_BYTES and free < total * 2 * LOW_SHARE
            rooms.setdefault(device, Room(name, free, low, free < LOW_BYTES and tight))
        return list(rooms.values())

    async def _prune(self, now: datetime) -> None:
        if self._pruned is None or now - self._pruned > PRUNE:
            self._pruned = now
            await self._store.alerts.prune(now)


def _say(changes: Changes) -> None:
    for word, rows in (("alert_opened", changes.opened), ("alert_closed", changes.closed)):
        for row in rows:
            log.info(word, alert=row.id, site=row.site, kind=row.kind, level=row.level)
