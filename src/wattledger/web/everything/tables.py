"""The tables of an export as CSV, a page of rows at a time; texts never are formulas."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any

from wattledger.model import Flow
from wattledger.store import Store
from wattledger.store.observed.observations import ObservationRow
from wattledger.store.rows import Coverage, UsagePointRow
from wattledger.web.charging import sessions_of
from wattledger.web.formats import Question, as_csv, cell
from wattledger.web.v1.sessions import as_csv as sessions_csv

DAYS = 31
"""of quarter-hours at a time"""
ROWS = 2000
YEAR = timedelta(days=365)
FAR = timedelta(days=1)


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows of CSV."""
    return "".join(",".join(_text(value) for value in row) + "\r\n" for row in rows).encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value}" if isinstance(value, int | float) else cell(str(value))


def text_of(value: Any) -> str:
    """A document as text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


async def energy(
    store: Store, point: UsagePointRow, flow: Flow, known: Coverage, now: datetime
) -> AsyncIterator[bytes]:
    """Every quarter-hour from the first to the last known day, empty where nothing is known."""
    question, first = Question(point, flow, "interval", now), known.first_day
    head = True
    while first is not None and known.last_day is not None and first <= known.last_day:
        after = min(first + timedelta(days=DAYS), known.last_day + timedelta(days=1))
        text = as_csv(question, await store.energy.series(point, flow, first, after, "interval"))
        yield text if head else text.partition(b"\r\n")[2]
        first, head = after, False


async def observations(store: Store, point: UsagePointRow, now: datetime) -> AsyncIterator[bytes]:
    """One row a value: what the device said, when, in which payload, and what became of it.

    Where a car was is sealed and not among them.
    """
    yield lines([("at", "name", "value", "payload", "verdict", "booked_wh")])
    start = datetime.fromtimestamp(0, tz=now.tzinfo)
    while rows := await store.observations.list(point, start, now + FAR, limit=ROWS):
        if len(rows) == ROWS:  # those of the last instant come whole with the next page
            rows = [r for r in rows if r.at < rows[-1].at] or rows
        yield lines(line for row in rows for line in _said(row))
        start = rows[-1].at + timedelta(microseconds=1)


def _said(row: ObservationRow) -> list[tuple[Any, ...]]:
    about = (row.payload, row.verdict, row.booked_wh)
    return [(row.at, name, value, *about) for name, value in sorted(row.values.items())]


async def sessions(store: Store, point: UsagePointRow, now: datetime) -> AsyncIterator[bytes]:
    """A car's charging sessions from its first observation on, a year at a time."""
    first = await store.observations.list(point, datetime.fromtimestamp(0, tz=now.tzinfo), now + FAR, limit=1)
    yield sessions_csv(point.name, [])
    start = first[0].at if first else now
    while start < now:
        end = min(start + YEAR, now + FAR)
        listed = await sessions_of(store, point, start, end)
        new = [one for one in listed if one.start >= start or start == first[0].at]
        yield sessions_csv(point.name, new).partition(b"\r\n")[2]
        start = end


async def audit(store: Store, site: str) -> AsyncIterator[bytes]:
    """What was done at the site, newest first."""
    yield lines([("id", "at", "actor", "who", "action", "subject", "details")])
    before: int | None = None
    while rows := await store.audit.list(ROWS, before, site=site):
        ids = {row.actor.removeprefix("person ") for row in rows if row.actor.startswith("person ")}
        known = await store.people.emails(ids)
        who = {f"person {id}": email for id, email in known.items()}
        yield lines(
            (r.id, r.at, r.actor, who.get(r.actor), r.action, r.subject, text_of(r.details)) for r in rows
        )
        before = rows[-1].id
