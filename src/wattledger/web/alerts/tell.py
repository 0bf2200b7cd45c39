"""Tells of alerts: to a site's owners and admins by mail, and to its webhook; each event once by each way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from wattledger.clock import Clock
from wattledger.config import Settings
from wattledger.errors import NotFound, WattledgerError
from wattledger.store import Store
from wattledger.store.alerts.telling import Event
from wattledger.store.alerts.ways import Hook
from wattledger.store.people.sites import SiteRow
from wattledger.web import mail
from wattledger.web.alerts import letters
from wattledger.web.alerts.hook import Call, post
from wattledger.web.alerts.wishes import Wishes, wishes_of

MAIL, WEBHOOK = "mail", "webhook"
ROUNDS = 20
"""of a hundred events, in one go"""
AT_ONCE = 8
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """By which ways a site is told, as things stand."""

    site: SiteRow
    wishes: Wishes
    people: Mapping[str, str]
    """who gets mail: address by the person's id"""
    hook: Hook | None


class Teller:
    """One process's telling. `base` is the hub's public address, empty where it is not known."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, base: str = "") -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self.base = base.rstrip("/")

    async def tell(self) -> int:
        """Tell what is due. Returns how many events that were."""
        count = 0
        for _ in range(ROUNDS):
            events = await self._store.telling.claim(self._clock.now())
            if not events:
                break
            count += len(events)
            sites = {event.alert.site for event in events}
            gate = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(
                *(self._site(id, [e for e in events if e.alert.site == id], gate) for id in sites)
            )
        return count

    async def _site(self, id: str, events: Sequence[Event], gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                ways = await self.ways(id)
            except NotFound:
                return
            known = [event for event in events if not ways.wishes.mutes(event.alert)]
            by_mail = [e for e in known if ways.people and _wanted(e, MAIL)]
            by_hook = [e for e in known if ways.hook and _wanted(e, WEBHOOK)]
            mailed = await self._mail(ways, by_mail) if by_mail else {}
            hooked = {e.alert.id: await self._hook(ways, e) for e in by_hook}
            for event in events:
                done = mailed.get(event.alert.id, set()) | (
                    {WEBHOOK} if hooked.get(event.alert.id) else set()
                )
                failed = (event in by_mail and MAIL not in done) or hooked.get(event.alert.id) is False
                await self._store.telling.told(event, done, failed, self._clock.now())

    async def ways(self, id: str) -> Ways:
        """Where a site's alerts go. Raises NotFound."""
        site = await self._store.sites.get(id)
        wishes = wishes_of(site.choices)
        people: dict[str, str] = {}
        if wishes.mail and self._settings.smtp_host and mail.problem(self._settings) is None:
            members = await self._store.people.members(id)
            people = {one.id: one.email for one in members if one.role in ("owner", "admin")}
        try:
            hook = await self._store.hooks.get(id)
        except WattledgerError as error:
            log.warning("webhook_unreadable", site=id, reason=str(error))
            hook = None
        return Ways(site, wishes, people, hook)

    async def mail(self, site: SiteRow, to: str, events: Sequence[Event], test: bool = False) -> None:
        """One mail to one person. Raises TryLater."""
        letter = letters.letter(to, site, events, self.base, test)
        await mail.deliver(letter, self._settings, self._clock)

    async def call(self, site: SiteRow, hook: Hook, event: Event, test: bool = False) -> None:
        """One call of a webhook. Raises TryLater, Refused."""
        alone = len(await self._store.sites.list()) == 1
        body = letters.body(event, site, self.base, test)
        id = f"{event.alert.id}.{event.name}"
        await post(hook, Call(body, id, int(self._clock.now().timestamp())), alone)

    async def _mail(self, ways: Ways, events: Sequence[Event]) -> dict[str, set[str]]:
        """By alert: MAIL where everybody has it, else who has it: a second try is for the others alone."""
        has = {event.alert.id: set(event.done) for event in events}
        for id, to in ways.people.items():
            mine = [event for event in events if f"{MAIL} {id}" not in event.done]
            if not mine or await self._tried(MAIL, ways, self.mail(ways.site, to, mine)):
                for event in events:
                    has[event.alert.id].add(f"{MAIL} {id}")
        everybody = {f"{MAIL} {id}" for id in ways.people}
        return {alert: {MAIL} if known >= everybody else known for alert, known in has.items()}

    async def _hook(self, ways: Ways, event: Event) -> bool:
        assert ways.hook is not None
        return await self._tried(WEBHOOK, ways, self.call(ways.site, ways.hook, event))

    async def _tried(self, way: str, ways: Ways, work: Awaitable[None]) -> bool:
        try:
            await work
        except WattledgerError as error:
            log.warning("alert_untold", way=way, site=ways.site.id, reason=str(error))
            return False
        log.info("alert_told", way=way, site=ways.site.id)
        return True


def _wanted(event: Event, way: str) -> bool:
    """Not told yet by this way; the end only by the ways that told of the beginning."""
    began = {one.partition(" ")[0] for one in event.began}
    return way not in event.done and (event.name != "closed" or way in began)
