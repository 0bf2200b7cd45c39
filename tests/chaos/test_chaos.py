"""The whole road under faults: after them the ledger is that of an undisturbed store, and all is back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos import ledger
from tests.chaos.faults import FAULTS
from tests.chaos.run import Chaos
from tests.chaos.verdict import verdict
from tests.chaos.world import Plan, World
from tests.turns import minutes

QUICK = ("kill", "cut", "clock", "disk_full", "revoked")
MINUTES = minutes()
TRUE_FROM = 60
"""minutes from which nothing is scaled: leases and pauses are those of the product"""
SEED = int(os.environ.get("WATTLEDGER_SEED", "20261121"))
Record = Callable[[str, object], None]


def told(chaos: Chaos, wrong: list[str]) -> str:
    return "\n".join([*chaos.story, "", *wrong[:40]])


@pytest.mark.soak
async def test_some_faults_change_nothing(tmp_path: Path) -> None:
    async with World(tmp_path, Plan(seed=3, pace=0.3)) as world:
        chaos = Chaos(world, QUICK, every=0.1)
        await chaos.disturb(1)
        settled = await chaos.settle(40)
        wrong = await verdict(chaos)
    assert settled and not wrong, told(chaos, wrong)


async def test_sabotage_archive_first_is_noticed_under_kills(tmp_path: Path) -> None:
    plan = Plan(3, sabotage="off:archive_first,kill:hub.before_archive_commit=5", polled=False)
    async with World(tmp_path, plan) as world:
        chaos = Chaos(world, every=0.1, chosen=("kill_pgp",))
        await chaos.disturb(2)
        settled = await chaos.settle(20)
        wrong = await verdict(chaos)
    assert not settled
    assert any("lost" in line for line in wrong), told(chaos, wrong)


@pytest.mark.soak
async def test_a_lost_account_and_another_truth_are_noticed(tmp_path: Path) -> None:
    """A vendor without a grace has used up the refresh token, and nobody heard its answer."""
    async with World(tmp_path, Plan(seed=3, pace=0.3)) as world:
        assert world.vendors
        chaos = Chaos(world, ("cut",), every=0.1)
        await chaos.disturb(1)
        assert await chaos.settle(40)
        for vendor in (world.vendors.smartthings, world.vendors.smartcar):
            vendor.issuer.grace = -1.0
        await FAULTS["refresh_unheard"].play(world, Random(3))
        world.vendors.smartthings.units[0].began += 1
        async with asyncio.timeout(40):
            while any(held.state == "ok" for held in ledger.accounts(world)):
                await asyncio.sleep(0.3)
        wrong = await verdict(chaos)
    for word in ("of smartcar is needs_login", "of smartthings is needs_login", "the unit never said"):
        assert any(word in line for line in wrong), told(chaos, wrong)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_minutes_of_faults(tmp_path: Path, engine: str, record_property: Record) -> None:
    true = MINUTES >= TRUE_FROM
    plan = Plan(SEED, engine == "postgresql", scaled=not true, pace=4 if true else 1)
    async with World(tmp_path, plan) as world:
        chaos = Chaos(world)
        await chaos.disturb(MINUTES * 60)
        settled = await chaos.settle(90 if plan.scaled else 600)
        wrong = await verdict(chaos)
        figures(chaos, record_property)
    assert settled and not wrong, told(chaos, wrong)


def figures(chaos: Chaos, record: Record) -> None:
    """What docs/reliability.md tells of a run."""
    feed = chaos.world.feed
    record("seed", chaos.world.plan.seed)
    record("files", feed.files)
    record("payloads", len(feed.bodies))
    record("broken_files", len(feed.broken))
    record("faults", sum(chaos.counts.values()))
    record("faults_by_kind", " ".join(f"{kind}={n}" for kind, n in sorted(chaos.counts.items())))
    if vendors := chaos.world.vendors:
        record("accounts_polled", len(vendors.names))
        record("refreshes_asked", vendors.asked("/oauth/token"))
        record("vendor_calls", vendors.asked())
        record("most_in_ten_seconds", vendors.most_calls())
    record("looks_at_invariants", chaos.looks)
    record("settled_seconds", round(chaos.settled, 1))
    for name, slope in sorted(chaos.growth.slope().items()):
        first, most = chaos.growth.descriptors()[name]
        record(f"{name}_rss_mb_an_hour", round(slope, 1))
        record(f"{name}_descriptors", f"{first} to {most}")
