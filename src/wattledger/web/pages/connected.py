"""SmartThings connections as pages show them: state, the token's countdown, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from wattledger.secrets import SecretUnreadable
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.contracts.ac import pasted
from wattledger.web.contracts.ac.pasted import Window
from wattledger.web.hub import Hub
from wattledger.web.pages import words

STATES = {"ok": "Working.", "late": "Late: it is tried again by itself.", "never": "Not asked yet."}
PASTE = "Paste a new token; collecting goes on at once."


@dataclass(frozen=True, slots=True)
class Source:
    """One connection as it is shown."""

    row: ConnectionRow
    level: str
    """good, caution or bad"""
    sentence: str
    countdown: str
    todo: str | None = None
    pasted: bool = True
    """whether it signs in by a pasted token, which can be replaced"""


async def sources(found: Hub, site: str) -> list[Source]:
    """The SmartThings connections of a site, judged now."""
    judged = []
    for row in await pasted.connections(found.store, site):
        try:
            window = pasted.window_of(await found.store.connections.secrets(row.id, site))
        except SecretUnreadable as error:
            judged.append(Source(row, "bad", str(error), "", PASTE))
            continue
        judged.append(replace(judge(row, window, found.clock.now()), pasted=window is not None))
    return judged


def judge(row: ConnectionRow, window: Window | None, now: datetime) -> Source:
    """A connection in words; a pasted token warns six hours and one hour before its end."""
    heard = f" Last success {words.age(row.last_success, now)}." if row.last_success else ""
    counted = countdown(window, now)
    if row.state == "needs_login" or (window and not window.rest(now)):
        todo = PASTE if window else "Sign in to SmartThings again."
        return Source(
            row, "bad", f"Stopped: {row.last_error or 'the token has ended.'}{heard}", counted, todo
        )
    if row.state == "misconfigured":
        return Source(row, "bad", f"{row.last_error or 'A setting is wrong.'}{heard}", counted, "Correct it.")
    said = STATES.get(row.state, row.state) + heard
    if row.last_error:
        said = f"{said} {row.last_error}"
    level = "good" if row.state == "ok" else "caution"
    ends = pasted.ending(window, now)
    if ends is None:
        return Source(row, level, said, counted)
    return Source(row, "bad" if ends.urgent else "caution", said, counted, PASTE)


def countdown(window: Window | None, now: datetime) -> str:
    """`Token ends in 5 h 40 min.`"""
    if window is None:
        return "Signed in with SmartThings; its tokens renew themselves."
    rest = window.rest(now)
    return f"Token ends in {words.length(rest)}." if rest else "Token has ended."
