"""Invitations whose mail no server took, perhaps because the process that sent it died: mailed anew.

The link is in the mail alone, so a second mail has a new one, and the first is void. Where the server took a
mail but the process died before it noted that, a second mail comes, whose link is the good one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

import structlog

from wattledger.clock import Clock
from wattledger.config import Settings
from wattledger.errors import TryLater
from wattledger.faults import sabotaged
from wattledger.store import Store
from wattledger.store.people.invitations import InvitationRow
from wattledger.web import letters, mail

SETTLED = timedelta(minutes=5)
"""after which the process that made it has given up"""
PAUSES = tuple(timedelta(minutes=m) for m in (5, 15, 60, 180, 360))
"""after each failure of this process, the last one ever after"""
log = structlog.get_logger("wattledger.mail")


class Inviter:
    """One process's looks. `base` is the hub's public address; without it no link can be made."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, base: str) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._base = base.rstrip("/")
        self._failed: dict[tuple[str, str], tuple[int, datetime]] = {}
        """by site and address: failures in a row, and when it is tried again"""

    async def look(self) -> int:
        """Mail what waits and is due; of several processes one looks at a time. Returns how many went out."""
        now = self._clock.now()
        if not self._base or mail.problem(self._settings) is not None or sabotaged("mail_again"):
            return 0
        async with self._store.database.attempt("invitations") as free:
            waiting = await self._store.people.unsent(now - SETTLED) if free else []
            due = [row for row in waiting if self._failed.get((row.site, row.email), (0, now))[1] <= now]
            return sum([await self._mailed(row) for row in due])

    async def _mailed(self, row: InvitationRow) -> bool:
        people, key = self._store.people, (row.site, row.email)
        word = await people.new_word(row.id)
        if word is None:
            return False
        link = f"{self._base}/invitation?token={quote(word)}"
        name = (await self._store.sites.get(row.site)).name
        try:
            letter = letters.invitation(row.email, link, name, None, row.role)
            await mail.deliver(letter, self._settings, self._clock)
        except TryLater as error:
            tries = self._failed.get(key, (0, None))[0]
            self._failed[key] = (tries + 1, self._clock.now() + PAUSES[min(tries, len(PAUSES) - 1)])
            log.warning("invitation_not_mailed", site=row.site, reason=str(error))
            return False
        await people.mailed(word)
        self._failed.pop(key, None)
        log.info("invitation_mailed", site=row.site)
        return True
