"""The pasted token: its four checks, its 24 hours, and how a new one takes the place of an old one.

A token is tried before it replaces another: refused only where the vendor says 401 or 403. Where the vendor
can't be asked it is stored, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wattledger.clock import Clock
from wattledger.connectors.http import exchange, open_client
from wattledger.connectors.smartthings.auth import LIFE, sendable
from wattledger.errors import NotFound, Refused, TryLater, WattledgerError
from wattledger.faults import sabotaged
from wattledger.secrets import SecretUnreadable, same
from wattledger.store import Store
from wattledger.store.sources.connections import ConnectionRow

NAME = "smartthings"
WARN_HOURS = (6, 1)
"""hours before the end from which a token's end is announced, and urgently so"""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A pasted token's time: exactly 24 hours from when it was set."""

    masked: str
    updated: datetime

    @property
    def expires(self) -> datetime:
        """When it ends."""
        return self.updated + LIFE

    def left(self, now: datetime) -> int:
        """Whole seconds until it ends, never negative."""
        return self.rest(now) // timedelta(seconds=1)

    def rest(self, now: datetime) -> timedelta:
        """Exactly how long until it ends, zero from then on."""
        return max(self.expires - now, timedelta())


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a token: `reset` where it is a new one."""

    connection: ConnectionRow
    window: Window
    reset: bool
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How near a pasted token's end is; `step` 1 six hours before it, 2 one hour before it, 3 from it on."""

    step: int
    message: str

    @property
    def urgent(self) -> bool:
        """Whether it is the last hour, or over."""
        return self.step > 1


def ending(window: Window | None, now: datetime) -> Ending | None:
    """What there is to warn of: None more than six hours before the end, and where nothing was pasted."""
    if window is None or window.rest(now) > WARN_HOURS[0] * HOUR:
        return None
    when = f"{window.expires:%Y-%m-%dT%H:%M:%SZ}"
    if not window.rest(now):
        return Ending(3, f"The SmartThings token ended at {when}; store a new one.")
    step, within = (
        (2, "an hour") if window.rest(now) <= WARN_HOURS[1] * HOUR else (1, f"{WARN_HOURS[0]} hours")
    )
    return Ending(step, f"The SmartThings token ends at {when}, within {within}; store a new one.")


async def window(store: Store, row: ConnectionRow) -> Window | None:
    """The window of a connection's pasted token, None where it has none that can be read."""
    return window_of(await _old(store, row)) if row.connector == NAME else None


async def warning_of(store: Store, row: ConnectionRow, now: datetime) -> str | None:
    """The warning about a connection's pasted token, None where there is nothing to warn of."""
    found = ending(await window(store, row), now)
    return found.message if found else None


def refusal(text: str) -> str | None:
    """The first of the four checks that a token fails, in the contract's words and order."""
    if not text:
        return "Token must not be empty"
    if text.isalpha():
        return "Token must not be only letters"
    if text.isdigit():
        return "Token must not be only numbers"
    return None if "-" in text else "Token must contain a dash (-)"


def masked(text: str) -> str:
    """First and last four characters of one longer than eight, else nothing of it."""
    return f"{text[:4]}...{text[-4:]}" if len(text) > 8 else "****"


def window_of(secrets: Mapping[str, str]) -> Window | None:
    """The window of a connection's secrets; None where it signs in otherwise."""
    if not secrets.get("token"):
        return None
    return Window(masked(secrets["token"]), datetime.fromisoformat(secrets["set_at"]).astimezone(UTC))


async def connections(store: Store, site: str | None) -> list[ConnectionRow]:
    """The SmartThings connections of a site, oldest first."""
    return [row for row in await store.connections.list(site) if row.connector == NAME]


async def chosen(store: Store, site: str | None, id: str | None) -> ConnectionRow | None:
    """The one that was asked for, else the first with a pasted token, else the first. Raises NotFound."""
    if row := await to_paste(store, site, id):
        return row
    return next(iter(await connections(store, site)), None)


async def to_paste(store: Store, site: str | None, id: str | None) -> ConnectionRow | None:
    """Where a pasted token goes: the one that was asked for, else the first that has one. Raises NotFound.

    None where nothing was pasted yet: a token never takes the place of another sign-in that nobody named.
    """
    found = await connections(store, site)
    if id is None:
        return next(iter([row for row in found if await _pasted(store, row)]), None)
    for row in found:
        if row.id == id:
            return row
    raise NotFound("There is no such SmartThings connection.")


async def place(
    store: Store, clock: Clock, base_url: str, site: str, text: str, by: str, row: ConnectionRow | None
) -> Placed:
    """Give a connection this token, a new connection where `row` is None. Raises Refused TOKEN."""
    text = text.strip()
    reason = refusal(text) or (None if sendable(text) else "Token has characters that no token has")
    if reason:
        raise Refused(reason, "BAD_TOKEN", "token")
    old = await _old(store, row) if row else {}
    window = window_of(old)
    if row and window and same(text.encode(), old["token"].encode()) and not sabotaged("token_window"):
        return Placed(row, window, reset=False)
    warning = await _tried(base_url, text)
    secrets = {"token": text, "set_at": clock.now().isoformat()}
    if row is None:
        zone = (await store.sites.get(site)).timezone
        row = await store.connections.create(site, NAME, {"timezone": zone}, secrets, by)
    else:
        await store.connections.resume(row.id, site, secrets, by=by)
    made = window_of(secrets)
    assert made is not None
    return Placed(row, made, reset=True, warning=warning)


async def _pasted(store: Store, row: ConnectionRow) -> bool:
    """Whether a connection signs in by a pasted token, or can't sign in since its key is gone."""
    old = await _old(store, row)
    return not old or "token" in old


async def _old(store: Store, row: ConnectionRow) -> Mapping[str, str]:
    """What a connection signs in with; empty where its key is gone, so that a new token can replace it."""
    try:
        return await store.connections.secrets(row.id, row.site)
    except SecretUnreadable:
        return {}


async def _tried(base_url: str, text: str) -> str | None:
    """Ask the vendor with a token. Returns a warning where that was not possible. Raises Refused."""
    try:
        async with open_client(base_url) as http:
            headers = {"authorization": f"Bearer {text}"}
            answer = await exchange(http, "GET", "/v1/devices?max=1", headers=headers)
    except TryLater as error:
        return f"The token was stored without a try: {error}"
    except WattledgerError:
        return "The token was stored; SmartThings' answer to it could not be read."
    if answer.status in (401, 403):
        raise Refused(f"SmartThings refuses this token ({answer.status})", "BAD_TOKEN", "token")
    if not 200 <= answer.status < 300:
        return f"The token was stored without a try: SmartThings answered {answer.status}."
    return None
