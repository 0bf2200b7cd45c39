"""Everything of a site as one ZIP: raw payloads as received, readings, observations, sessions, people, audit.

Made while it is sent: in memory are one payload's bytes, or a month of one series. Nothing secret is in it:
no token, no sealed setting, no key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from wattledger.errors import WattledgerError
from wattledger.faults import sabotaged
from wattledger.model import Flow, PointKind
from wattledger.store import Store
from wattledger.store.people.sites import SiteRow
from wattledger.store.rows import PayloadRow
from wattledger.web.everything import tables
from wattledger.web.everything.zipped import Zipped, safe, whole

PAGE = 200
KEPT = (
    "filename", "sha256", "size", "received_at", "connector", "source", "mime", "state", "kind", "reason",
)  # fmt: skip
"""what the manifest tells of each payload"""
ABOUT = """Everything that Wattledger keeps of {name}, {at}.

payloads/       every file and answer as it was received, byte for byte
payloads.csv    of each: number, name in this ZIP, SHA-256, when it was received, what reading it came to
energy/         every quarter-hour by meter or device and direction; instants are UTC, energy is kWh, empty
                is unknown
observations/   what devices and cars said, one value a row; where a car was is in its payloads alone
sessions/       charging sessions by car
people.csv, audit.csv, site.json

Texts that a spreadsheet could take for a formula begin with an apostrophe. Tokens and keys are not here.
To read the payloads into another Wattledger: wattledger ingest payloads/*
"""


async def export(store: Store, site: SiteRow, now: datetime) -> AsyncIterator[bytes]:
    """The ZIP, piece by piece. What cannot be read is told in `missing.txt`, and stops nothing else."""
    zipped, missing = Zipped(), list[str]()
    for part in (_head, _payloads, _points, _people):
        async for piece in part(zipped, store, site, now, missing):
            yield piece
    if missing:
        async for piece in zipped.add("missing.txt", now, whole("\n".join(missing).encode())):
            yield piece
    yield zipped.end()


async def _head(
    zipped: Zipped, store: Store, site: SiteRow, now: datetime, _missing: list[str]
) -> AsyncIterator[bytes]:
    text = ABOUT.format(name=site.name, at=f"{now:%Y-%m-%d %H:%M} UTC")
    points = [
        {"id": p.id, "kind": str(p.kind), "external_id": p.external_id, "name": p.name}
        | {"timezone": p.timezone, "details": dict(p.details)}
        for p in await store.points.list(site.id)
    ]
    about: dict[str, Any] = {"id": site.id, "name": site.name, "timezone": site.timezone}
    about |= {"choices": dict(site.choices), "points": points}
    for name, body in (("README.txt", text), ("site.json", tables.text_of(about))):
        async for piece in zipped.add(name, now, whole(body.encode())):
            yield piece


async def _payloads(
    zipped: Zipped, store: Store, site: SiteRow, now: datetime, missing: list[str]
) -> AsyncIterator[bytes]:
    after = 0
    while rows := await store.payloads.of_home(site.id, after, PAGE):
        small = await store.bodies.fetch_small({row.sha256 for row in rows})
        for row in rows:
            try:
                known = small.get(row.sha256)
                body = known[0] if known else await store.bodies.read(row.sha256)
            except WattledgerError as error:
                missing.append(f"{place_of(row)}: {error}")
                continue
            async for piece in zipped.add(place_of(row), row.received_at, whole(body)):
                yield piece
        after = rows[-1].id
    async for piece in zipped.add("payloads.csv", now, _manifest(store, site)):
        yield piece


async def _manifest(store: Store, site: SiteRow) -> AsyncIterator[bytes]:
    yield tables.lines([("id", "place", *KEPT)])
    after = 0
    while rows := await store.payloads.of_home(site.id, after, PAGE):
        yield tables.lines((r.id, place_of(r), *(getattr(r, name) for name in KEPT)) for r in rows)
        after = rows[-1].id


def place_of(row: PayloadRow) -> str:
    """Where a payload lies in the ZIP."""
    if sabotaged("zip_names"):
        return f"payloads/{row.filename}"
    return f"payloads/{row.id:06d}_{safe(row.filename or 'payload')}"


async def _points(
    zipped: Zipped, store: Store, site: SiteRow, now: datetime, _missing: list[str]
) -> AsyncIterator[bytes]:
    for point in await store.points.list(site.id):
        name = f"{safe(point.external_id)}_{point.id[:6]}"
        for flow in Flow:
            known = await store.energy.coverage(point, flow)
            if known.found:
                parts = tables.energy(store, point, flow, known, now)
                async for piece in zipped.add(f"energy/{name}_{flow.name.lower()}.csv", now, parts):
                    yield piece
        if await store.observations.newest([point], now + tables.FAR) is None:
            continue
        parts = tables.observations(store, point, now)
        async for piece in zipped.add(f"observations/{name}.csv", now, parts):
            yield piece
        if point.kind == PointKind.VEHICLE:
            parts = tables.sessions(store, point, now)
            async for piece in zipped.add(f"sessions/{name}.csv", now, parts):
                yield piece


async def _people(
    zipped: Zipped, store: Store, site: SiteRow, now: datetime, _missing: list[str]
) -> AsyncIterator[bytes]:
    members = await store.people.members(site.id)
    rows = [("email", "role", "since"), *((m.email, m.role, m.since) for m in members)]
    async for piece in zipped.add("people.csv", now, whole(tables.lines(rows))):
        yield piece
    async for piece in zipped.add("audit.csv", now, tables.audit(store, site.id)):
        yield piece
