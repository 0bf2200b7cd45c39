"""Payloads that came over HTTP are handed to the store here, and answered only after it committed."""

from __future__ import annotations

import asyncio
from typing import Any

from wattledger import connectors
from wattledger.faults import sabotaged
from wattledger.model import Payload
from wattledger.store.archive.payloads import Claims
from wattledger.store.rows import Delivered, Summary
from wattledger.web.hub import Hub

DEFAULT_CONNECTOR = "smart_meter_texas"
"""whose file it is where no connector knows the content: it is kept and listed as it is"""
MOST_LISTED = 100
"""so many points, reasons and notes of one file are listed in a receipt"""
_unwaited: set[asyncio.Task[Delivered]] = set()


async def connector_of(body: bytes) -> str:
    """The connector whose file this is, by its content alone."""
    return await asyncio.to_thread(recognised, body)


def recognised(body: bytes) -> str:
    """The same, slow for large files: run it in a thread."""
    return connectors.recognise(body) or DEFAULT_CONNECTOR


async def take_in(hub: Hub, site: str, payload: Payload, claimed: str | None = None) -> Delivered:
    """Archive and read a payload for a site; returns after commit, so what it reports is readable at once.

    `claimed` is the ESIID that the sender names; the file's rows decide, a contradiction is noted.
    Raises DiskLow before the disk is full.
    """
    hub.disk.check()
    work = asyncio.create_task(hub.store.payloads.deliver(site, payload, claims=Claims(claimed)))
    if sabotaged("ack_after_commit"):
        _unwaited.add(work)
        return Delivered(0, payload.sha256, len(payload.body), False, "read", "interval", Summary())
    delivered = await asyncio.shield(work)
    hub.metrics.delivered(payload.source.value, delivered.state, delivered.duplicate)
    return delivered


def receipt(delivered: Delivered) -> dict[str, Any]:
    """A receipt as JSON: ids as text, days as ISO dates, energy in Wh by flow."""
    return {
        "id": str(delivered.id),
        "sha256": delivered.sha256,
        "size": delivered.size,
        "duplicate": delivered.duplicate,
        "state": delivered.state,
        "kind": delivered.kind,
        "reason": delivered.reason,
        "summary": summary(delivered.summary),
    }


def summary(found: Summary) -> dict[str, Any]:
    """A summary as JSON, bounded: of long lists the beginning, and how many usage points there are."""
    points = [{"id": p.id, "external_id": p.external_id, "name": p.name} for p in found.points[:MOST_LISTED]]
    whole = found.to_json()
    return {
        **whole,
        "points": points,
        "point_count": len(found.points),
        "rejections": whole["rejections"][:MOST_LISTED],
        "notes": whole["notes"][:MOST_LISTED],
    }
