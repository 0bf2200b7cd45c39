"""Generated files against a recount of our own: every row ends somewhere, each watt-hour is the right one."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pytest
from tests.paths import SHARED_PAYLOADS
from tests.payloads import smt
from tests.payloads.smt_other import zip_of
from tests.turns import turns

from wattledger import connectors, localday
from wattledger.faults import sabotage
from wattledger.model import MISSING, Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store

SEED = 14
ESIIDS = [f"10443720000{n:06d}" for n in range(4)]
FIRSTS = [smt.FALL - timedelta(3), smt.SPRING - timedelta(3), smt.NORMAL]
RECEIVED = datetime(2026, 6, 15, tzinfo=UTC)
Key = tuple[str, date, int]
Truth = dict[Key, tuple[datetime, bool, int]]
Record = Callable[[str, object], None]


@pytest.fixture
async def smt_store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(database_url, data=tmp_path / "d", parse=connectors.parse, vault=Vault({}))
    yield opened
    await opened.close()


def made(chance: Random) -> tuple[list[smt.Day], list[str], int]:
    """Days that contradict others of the run, their CSV rows, and how many of them are bad."""
    days, rows, bad = [], [], 0
    first = chance.choice(FIRSTS) + timedelta(chance.randrange(5))
    for one in smt.days(
        first, chance.randint(1, 3), seed=chance.randrange(10**9), esiid=chance.choice(ESIIDS)
    ):
        count = smt.slots(one.day)
        one.revision = datetime(2026, 5, 1) + timedelta(hours=chance.randrange(6))
        one.letters = "".join(chance.choice("AAAE") for _ in range(count))
        for _ in range(chance.choice([0, 0, 1, 5])):
            one.wh[chance.randrange(count)] = None
        text = smt.rows(one)
        at = chance.randrange(len(text))
        if chance.random() < 0.2 and one.day == smt.NORMAL and one.wh[at] is not None:
            text[at] = text[at].replace(f",{smt.short(one.wh[at] or 0)},", ",-1,")
            bad, one.wh[at] = bad + 1, None
        days.append(one)
        rows += text
    return days, rows, bad


def packed(rows: list[str], chance: Random) -> bytes:
    body = smt.text(rows)
    return chance.choice([body, gzip.compress(body), zip_of({"a.csv": body})])


def learn(truth: Truth, days: list[smt.Day]) -> None:
    """What holds after these: the newest revision, then actual over estimated, then the greater."""
    for one in days:
        for slot, wh in enumerate(one.wh):
            if wh is not None:
                said = (one.revision or RECEIVED, one.letters[slot] == "A", wh)
                key = (one.esiid, one.day, slot)
                truth[key] = max(truth.get(key, said), said)


async def differing(store: Store, truth: Truth) -> int:
    """Slots in which the ledger is not as the recount has it."""
    found: dict[Key, int] = {}
    for point in await store.points.list(None):
        for block in await store.energy.days(point.id, Flow.DELIVERED, 0, 10**6):
            day = localday.day(block.day)
            for slot in np.flatnonzero(block.values != MISSING):
                found[point.external_id, day, int(slot)] = int(block.values[slot])
    wanted = {key: said[2] for key, said in truth.items()}
    return sum(found.get(key) != wanted.get(key) for key in found.keys() | wanted.keys())


async def account(store: Store, most: int) -> dict[str, int]:
    """Deliver so many files; the figures."""
    chance, truth, site = Random(SEED), Truth(), (await store.sites.default()).id
    told = dict.fromkeys(
        ("files", "rows", "accepted", "superseded", "rejected", "blank", "rows_unaccounted"), 0
    )
    for number in turns(most):
        days, rows, bad = made(chance)
        body = packed(rows, chance)
        done = await store.payloads.deliver(site, Payload("smart_meter_texas", Source.UPLOAD, body, RECEIVED))
        s = done.summary
        told["rows_unaccounted"] += abs(len(rows) - s.accepted - s.superseded - s.rejected - s.blank)
        told["rows_unaccounted"] += abs(s.rejected - bad) + abs(s.rows - len(rows))
        for name in ("rows", "accepted", "superseded", "rejected", "blank"):
            told[name] += getattr(s, name)
        told["files"] = number
        learn(truth, days)
    told["slots"] = len(truth)
    told["total_Wh"] = sum(said[2] for said in truth.values())
    told["slots_that_differ"] = await differing(store, truth)
    return told


def right(told: dict[str, int]) -> bool:
    return told["rows_unaccounted"] == told["slots_that_differ"] == 0


async def test_two_hundred_files(smt_store: Store) -> None:
    told = await account(smt_store, 200)
    assert right(told), told
    assert min(told[name] for name in ("accepted", "superseded", "rejected", "blank")) > 0


async def test_sabotage_merge_order_is_noticed_by_a_recount(smt_store: Store) -> None:
    with sabotage("merge_order"):
        assert not right(await account(smt_store, 100))


@pytest.mark.soak
async def test_ten_thousand_files(smt_store: Store, record_property: Record) -> None:
    told = await account(smt_store, 10_000)
    for name, count in told.items():
        record_property(name, count)
    record_property("seed", SEED)
    assert right(told), told


async def test_every_recorded_file(smt_store: Store, record_property: Record) -> None:
    """Real exports: all rows, and each file's sum, by the csv module and Decimal."""
    if not SHARED_PAYLOADS.exists():
        pytest.skip("the recorded payloads are not here")
    site, files, total = (await smt_store.sites.default()).id, 0, 0
    for path in sorted((SHARED_PAYLOADS / "smart_meter_texas").iterdir()):
        body = path.read_bytes()
        done = await smt_store.payloads.deliver(
            site, Payload("smart_meter_texas", Source.UPLOAD, body, RECEIVED)
        )
        s = done.summary
        assert s.rows == s.accepted + s.superseded + s.rejected + s.blank, path.name
        if path.suffix == ".csv":
            said = [row["USAGE_KWH"] for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))]
            assert s.rows == len(said)
            assert sum(s.wh.values()) == sum(int(Decimal(kwh) * 1000) for kwh in said if kwh), path.name
        else:
            json.loads(body)
        files, total = files + 1, total + sum(s.wh.values())
    record_property("recorded_files", files)
    record_property("Wh_in_them", total)
