"""The `state` of a sign-in at a vendor: sealed, good once, for ten minutes, for the one who began it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, true, update

from wattledger.clock import token
from wattledger.faults import sabotaged
from wattledger.secrets import SecretUnreadable, Vault, digest, same
from wattledger.store.database import Database
from wattledger.store.people.principal import presented
from wattledger.store.sources.outcome import DISCONNECTED
from wattledger.store.tables import connection as connections
from wattledger.store.tables import login_link

LIFE = timedelta(minutes=10)
PURPOSE = "vendor sign-in"
_CELL = {"table": "login_link", "row": "state", "column": "state"}


@dataclass(frozen=True, slots=True)
class SignInBegun:
    """Who began a sign-in at a vendor, and for which connection (None: a new one)."""

    person: str
    site: str
    connection: str | None
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    """what the end of it needs to know, sealed in the state"""


class OAuthStates:
    """Part of Connections."""

    _database: Database
    _vault: Vault

    async def begin_sign_in(self, connector: str, begun: SignInBegun, session: str | None) -> str:
        """A new state. With a browser's `session`, only that browser can end it. Raises Misconfigured."""
        word, now = token(), self._database.clock.now()
        said = {
            "word": word,
            "connector": connector,
            "person": begun.person,
            "site": begun.site,
            "connection": begun.connection,
            "session": digest(session) if session else None,
            "kept": dict(begun.kept),
            "until": (now + LIFE).isoformat(),
        }
        sealed = self._vault.seal(json.dumps(said).encode(), **_CELL)
        values = {"digest": digest(word), "person": begun.person, "purpose": PURPOSE}
        ended = (connections.c.state == DISCONNECTED) & connections.c.next_poll_at.is_not(None)
        untold = ended & (connections.c.site == begun.site) & (connections.c.connector == connector)
        async with self._database.begin() as connection:
            await connection.execute(delete(login_link).where(login_link.c.expires_at < now - LIFE))
            row = insert(login_link).values(**values, created_at=now, expires_at=now + LIFE)
            await connection.execute(row)
            # what may be granted anew by this sign-in is not ended at the vendor meanwhile
            await connection.execute(update(connections).where(untold).values(next_poll_at=now + LIFE))
        return sealed

    async def end_sign_in(self, connector: str, state: str, session: str | None) -> SignInBegun | None:
        """Use up a state. None for one that is forged, old, used, or of another browser or vendor."""
        said = self._said(connector, state)
        if said is None or not _same_browser(said["session"], session):
            return None
        if not await self._use_up(said["word"], self._database.clock.now()):
            return None
        return SignInBegun(said["person"], said["site"], said["connection"], said.get("kept", {}))

    def sign_in_expired(self, connector: str, state: str) -> bool:
        """Whether this is a state of ours whose ten minutes are over."""
        said = self._said(connector, state)
        until = said.get("until") if said else None
        return until is not None and self._database.clock.now() >= datetime.fromisoformat(until)

    def _said(self, connector: str, state: str) -> dict[str, Any] | None:
        """What a state says; None for one that is not ours, or another vendor's."""
        try:
            said: dict[str, Any] = json.loads(self._vault.open(state, **_CELL))
        except (SecretUnreadable, ValueError):
            return None
        return said if said["connector"] == connector else None

    async def _use_up(self, word: str, now: datetime) -> bool:
        good = (
            presented(login_link, word)
            & (login_link.c.purpose == PURPOSE)
            & (true() if sabotaged("state_single_use") else login_link.c.used_at.is_(None))
            & (login_link.c.expires_at > now)
        )
        async with self._database.begin() as connection:
            done: Any = await connection.execute(update(login_link).where(good).values(used_at=now))
        return bool(done.rowcount)


def _same_browser(wanted: str | None, session: str | None) -> bool:
    return (
        wanted is None
        or sabotaged("state_browser")
        or (session is not None and same(digest(session).encode(), wanted.encode()))
    )
