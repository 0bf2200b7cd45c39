"""What must be true once a run has settled; every sentence that comes back is a failure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.chaos import accounts, ledger
from tests.chaos.children import Child
from tests.chaos.feed import Fate
from tests.chaos.run import Chaos
from tests.chaos.world import World

SHOWN = 8
STARTING = 25.0
"""seconds in which an end is a start that failed, on a full disk or without a database: it is tried again"""
EXPLAINED = re.compile("SFTPNoConnection|SFTPConnectionLost|_SFTPParallelIO")
"""asyncssh leaves the other parallel reads of a file to themselves when its connection is cut"""
EXPECTED = re.compile("wattledger: |Wattledger is at|First start|Stopped|Made the key")


async def verdict(chaos: Chaos) -> list[str]:
    """All that is wrong."""
    world = chaos.world
    await world.family.end()
    digest, fates = await world.feed.undisturbed(world.folder)
    found = ledger.rows(world) or []
    wrong = list(chaos.broken)
    async with ledger.opened(world) as store:
        if await store.digest((await store.sites.default()).id) != digest:
            wrong.append("the digest differs from that of an undisturbed store")
        if world.vendors:
            wrong += _some(await accounts.judged(store, world.vendors, world))
    wrong += _some(_fates({row.sha256: row.fate for row in found}, fates))
    wrong += _some(_spool(world))
    for child in world.family.all:
        wrong += _deaths(child)
        wrong += [f"{child.name}: {line}" for line in unexplained(child.log)]
    return wrong


def _fates(found: dict[str, Fate], expected: dict[str, Fate]) -> Iterator[str]:
    for sha256, fate in expected.items():
        if found.get(sha256) != fate:
            yield f"payload {sha256[:12]} is {found.get(sha256)}, undisturbed {fate}"
    for sha256 in found.keys() - expected.keys():
        yield f"payload {sha256[:12]} was never dropped"


def _spool(world: World) -> Iterator[str]:
    for name in ("part", "enc", "out"):
        if left := sorted(path.name for path in (world.inbox / name).iterdir()):
            yield f"the spool's {name}/ holds {left[:5]}"
    aside = {str(item["name"]): str(item["code"]) for item in world.spooled("bad")}
    for file, codes in world.feed.broken.items():
        if aside.get(file) not in codes:
            yield f"{file} should be set aside as {codes}, not {aside.get(file)}"
    for file in aside.keys() - world.feed.broken.keys():
        yield f"{file} is set aside as {aside[file]}, though it is sound"


def _some(found: Iterable[str]) -> list[str]:
    """The first of many, and how many there are."""
    every = list(found)
    return every if len(every) <= SHOWN else [*every[:SHOWN], f"... {len(every)} such"]


def _deaths(child: Child) -> Iterator[str]:
    for code, age in child.deaths:
        if age > STARTING or code not in (1, 75):
            yield f"{child.name} ended of itself with {code} after {age:.0f} s"


def unexplained(log: Path) -> list[str]:
    """Errors and tracebacks of a log that nothing explains, each kind once with its count."""
    kinds: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        word = _trouble(line)
        if word and not EXPLAINED.search(word):
            kinds[word] += 1
    return [f"{count} x {word}" for word, count in kinds.most_common(20)]


def _trouble(line: str) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        known = not line.strip() or EXPECTED.match(line)
        return "" if known else line[:200]
    if not isinstance(said, dict) or said.get("level") not in ("error", "critical"):
        return ""
    trace = str(said.get("exception", "")).splitlines()
    return f"{said.get('event', '')} {trace[-1] if trace else said.get('error', '')}"[:300]
