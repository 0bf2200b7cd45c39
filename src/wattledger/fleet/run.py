"""A run: planned, resumed, handed out, added up."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from wattledger.errors import Misconfigured, NotFound, Refused
from wattledger.fleet.journal import Journal
from wattledger.fleet.ledger import mark_of
from wattledger.fleet.place import Place
from wattledger.fleet.plan import SIZE, Done, Task, part_of
from wattledger.fleet.runners import on_cluster, on_processes
from wattledger.store import Store
from wattledger.store.tables import payload, usage_point

KIND = "_fleet/kind.json"
JOURNAL = "_fleet/journal"
KINDS = {"replay": "days", "gaps": "gaps", "totals": "months"}


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `source` None is the ledger; `to` None writes no Parquet."""

    verb: str
    data: Path
    """the folder that keeps the journal where there is no output"""
    source: str | None = None
    to: str | None = None
    size: int = SIZE
    scheduler: str | None = None
    workers: int | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """All partitions of a run, and a word that changes when what they read does."""

    tasks: list[Task]
    mark: str


@dataclass(slots=True)
class Result:
    """How a run ended."""

    partitions: int
    resumed: int
    done: list[Done] = field(default_factory=list)

    @property
    def problems(self) -> list[Done]:
        """Partitions that were skipped."""
        return [one for one in self.done if one.problem]


async def of_ledger(store: Store, order: Order, now: float) -> Planned:
    """Partitions of the ledger, by external id. Raises Refused for a cluster on SQLite."""
    if order.scheduler and not store.database.is_postgres:
        raise Refused("A cluster works on PostgreSQL or Parquet; SQLite is for processes of one machine.")
    query = select(usage_point.c.external_id, usage_point.c.n, usage_point.c.timezone, usage_point.c.site)
    async with store.connect() as connection:
        rows = sorted(await connection.execute(query))
        count = select(payload.c.state, func.count(), func.max(payload.c.id)).group_by(payload.c.state)
        payloads = sorted(map(tuple, await connection.execute(count)))
    known = [[row.external_id, row.n, row.timezone, row.site] for row in rows]
    mark = _mark([known, [] if order.verb == "replay" else payloads])
    data = None if order.scheduler else str(order.data)
    tasks = []
    for part, start in enumerate(range(0, len(rows), order.size)):
        some = rows[start : start + order.size]
        points = tuple(row.n for row in some)
        own = mark_of(row.external_id for row in some)
        tasks.append(Task(order.verb, part, now, data, points, own, to=order.to))
    return Planned(tasks, mark)


def of_lake(order: Order, now: float) -> Planned:
    """Partitions of a lake, by the numbers in its files' names. Raises NotFound, Refused."""
    assert order.source is not None
    if order.verb == "replay":
        raise Refused("Only the archive can be read anew; a lake has no payloads.", "BAD_SOURCE", "--from")
    place = Place(order.source)
    items = list(place.items())
    if any(item.key == f"{JOURNAL}/plan.json" for item in items):
        raise Refused(f"{order.source} was not finished; run the command that wrote it again.")
    parts: dict[int, list[str]] = {}
    for item in items:
        if (part := part_of(item.key)) is not None:
            parts.setdefault(part, []).append(item.key)
    if not parts:
        raise NotFound(f"{order.source} has no year=.../month=.../part-....parquet.")
    tasks = [
        Task(order.verb, part, now, lake=order.source, keys=tuple(keys), to=order.to)
        for part, keys in sorted(parts.items())
    ]
    return Planned(tasks, _mark([list(item) for item in items if part_of(item.key) is not None]))


def run(order: Order, planned: Planned, progress: Callable[[int, int], None]) -> tuple[Result, Journal]:
    """Do what is left of a run. `progress(done, all)`.

    The journal stays while partitions are missing; the caller clears it when all else is done.
    """
    journal, place = _journal(order)
    said = {"verb": order.verb, "size": order.size, "from": order.source, "mark": planned.mark}
    now = planned.tasks[0].now if planned.tasks else 0.0
    plan, before = journal.resume({**said, "now": now, "partitions": len(planned.tasks)}, order.anew)
    if place is not None and not before:
        _emptied(place, KINDS[order.verb])
    result = Result(len(planned.tasks), len(before), list(before.values()))
    progress(result.resumed, result.partitions)

    def finished(done: Done) -> None:
        if done.problem is None:
            journal.add(done)
        result.done.append(done)
        progress(len(result.done), result.partitions)

    left = [replace(task, now=plan["now"]) for task in planned.tasks if task.part not in before]
    _hand_out(order, left, finished)
    result.done.sort(key=lambda one: one.part)
    return result, journal


def _hand_out(order: Order, tasks: Sequence[Task], finished: Callable[[Done], None]) -> None:
    if not tasks:
        return
    if order.scheduler:
        on_cluster(tasks, order.scheduler, finished)
    else:
        on_processes(tasks, min(order.workers or cores(), len(tasks)), finished)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _journal(order: Order) -> tuple[Journal, Place | None]:
    if order.to is None:
        name = f"{order.verb}-{_mark([order.source or ''])}"
        return Journal(Place(str(order.data / "fleet")), name), None
    if order.source is not None and order.to.rstrip("/") == order.source.rstrip("/"):
        raise Refused("A lake cannot be written over itself.", "BAD_SINK", "--to")
    place = Place(order.to)
    return Journal(place, JOURNAL), place


def _emptied(place: Place, kind: str) -> None:
    """Make room for a new run: an earlier one's files of the same kind go, anything else is refused."""
    ours = [item.key for item in place.items() if part_of(item.key) is not None]
    if ours:
        try:
            before = json.loads(place.get(KIND))
        except (NotFound, ValueError):
            before = None
        if before != kind:
            raise Misconfigured(f"{place.where} holds other Parquet files; name another place with --to.")
        place.delete(ours)
    place.put(KIND, json.dumps(kind).encode())


def _mark(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
