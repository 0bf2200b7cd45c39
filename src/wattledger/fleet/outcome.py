"""The figures of all partitions as one answer, and what a replay still has to do when they are in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from wattledger import connectors
from wattledger.errors import BadPayload, WattledgerError
from wattledger.fleet.plan import Done
from wattledger.store import Store
from wattledger.store.archive.jobs import MOST_ATTEMPTS, payload_of
from wattledger.store.tables import payload


def digest(done: Sequence[Done]) -> str:
    """The word of `wattledger db digest`: the leaves of all partitions, in order."""
    word = hashlib.sha256()
    for one in done:
        word.update(bytes.fromhex(one.figures.get("leaves", "")))
    return word.hexdigest()


def months(done: Sequence[Done]) -> dict[str, list[int]]:
    """By `2026-01 1` (month and flow): usage points, Wh, quarter-hours found and expected."""
    out: dict[str, list[int]] = {}
    for one in done:
        for name, sums in one.figures.get("months", {}).items():
            out[name] = [a + b for a, b in zip(out.get(name, [0, 0, 0, 0]), sums, strict=True)]
    return dict(sorted(out.items()))


def sums(done: Sequence[Done], *names: str) -> dict[str, int]:
    """The named counts of all partitions."""
    return {name: sum(one.figures.get(name, 0) for one in done) for name in names}


async def finish_replay(store: Store, done: Sequence[Done]) -> int:
    """Read wholly what partitions could not: payloads that mean other usage points now than before, or are
    refused or readable now and were not before, and usage points whose energy is booked from observations.

    Returns how many payloads were read.
    """
    again: set[int] = {id for one in done for id in one.figures.get("beyond", ())}
    again |= {id for one in done for id, _ in one.figures.get("unreadable", ())}
    again |= await _readable_now(store)
    for id in sorted(again):
        await store.payloads.reread(id, None)
    observed = {n for one in done for n in one.figures.get("observed", ())}
    if observed:
        await store.replay_points(observed)
    return len(again)


async def _readable_now(store: Store) -> set[int]:
    """Refused payloads that today's parser reads."""
    refused = select(payload).where(payload.c.state == "rejected", payload.c.attempts < MOST_ATTEMPTS)
    async with store.connect() as connection:
        rows = (await connection.execute(refused)).all()
    found: set[int] = set()
    for row in rows:
        try:
            connectors.parse(payload_of(row, await store.bodies.read(row.sha256)))
        except (BadPayload, WattledgerError):
            continue
        found.add(row.id)
    return found


def figures(verb: str, done: Sequence[Done]) -> dict[str, Any]:
    """The answer of a verb."""
    if verb == "digest":
        return {"digest": digest(done)}
    if verb == "totals":
        return {"months": months(done), **sums(done, "bytes")}
    if verb == "gaps":
        return sums(done, "series", "with_gaps", "runs", "missing", "bytes")
    counted = sums(done, "payloads", "bytes")
    return {**counted, "unreadable": [item for one in done for item in one.figures.get("unreadable", ())]}
