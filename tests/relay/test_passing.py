"""What passes must not stay: clocks that were wrong, keys that were away, a child killed, a small disk."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.relay.hub_double import Scripted
from tests.relay.world import TurnedClock, World, csv, digest
from wattledger.faults import sabotage
from wattledger.relay.cycle import Job
from wattledger.relay.pause import Pause
from wattledger.relay.service import Relay, say
from wattledger.relay.settling import Settling
from wattledger.relay.spool import Spool
from wattledger.simulators.pgp import PgpPair

MIB = 1 << 20


async def resumes_after_a_wrong_clock(world: World) -> bool:
    """A delivery fails while the clock is a day ahead; whether it goes on once the clock is right."""
    world.put("a.csv", csv(1))
    world.clock.turn(days=1)
    world.hub.script.extend([Scripted(401)] * 4)
    await world.run()
    world.hub.script.clear()
    world.clock.turn(days=-1)
    await world.run()
    return set(world.hub.files) == {digest(csv(1))}


async def test_a_pause_made_by_a_clock_that_was_ahead_is_over(world: World) -> None:
    assert await resumes_after_a_wrong_clock(world)


async def test_sabotage_clock_back_is_noticed_by_the_relay(world: World) -> None:
    with sabotage("clock_back"):
        assert not await resumes_after_a_wrong_clock(world)


async def test_a_file_that_waits_by_a_clock_that_was_ahead_is_due(world: World) -> None:
    world.put("a.csv", csv(1))
    world.clock.turn(days=1)
    world.hub.script.append(Scripted(500))
    await world.run()
    (item,) = world.cycle().spool.items("out")
    assert item.next_try > world.clock.now().timestamp()
    world.clock.turn(days=-1)
    assert (world.cycle().spool.next_due() or 0) <= world.clock.now().timestamp()
    await world.run()
    assert len(world.hub.files) == 1


def test_a_listing_by_a_clock_that_was_ahead_does_not_hold_a_file_back(tmp_path: Path) -> None:
    clock = TurnedClock()
    clock.turn(days=1)
    for _ in range(3):
        listing = Settling(tmp_path / "young", clock, 60)
        young = int(clock.now().timestamp()) + 7200
        whole = listing.settled("a", young)
        listing.save()
        clock.turn(days=-1) if clock.ahead.days else clock.turn(seconds=1)
    assert whole


@pytest.mark.parametrize(("free", "low"), [(64, False), (10, False), (9, True), (0, True)])
def test_a_small_disk_is_low_below_a_tenth(tmp_path: Path, free: int, low: bool) -> None:
    spool = Spool(tmp_path, TurnedClock(), usage=lambda _: (96 * MIB, 0, free * MIB))
    assert spool.low() is low


def test_a_large_disk_is_low_below_256_mib(tmp_path: Path) -> None:
    usage: Callable[[Path], tuple[int, int, int]] = lambda _: (10**12, 0, 257 * MIB)  # noqa: E731
    spool = Spool(tmp_path, TurnedClock(), usage=usage)
    assert not spool.low() and spool.low(2 * MIB)


async def fetches_onto_an_almost_full_disk(world: World) -> bool:
    """Copies of what was delivered fill a small disk; whether the next file is fetched nevertheless."""
    for number in range(4):
        world.put(f"{number}.csv", csv(number))
    await world.run()

    def usage(root: Path) -> tuple[int, int, int]:
        copies = sum(not path.suffix for path in (root / "done").iterdir())
        return 96 * MIB, 0, (11 - copies) * MIB  # low from two copies on

    cycle = world.cycle()
    cycle.spool = Spool(world.inbox, world.clock, usage=usage)
    world.put("next.csv", csv(9))
    await cycle.run(Job("test"))
    return len(world.hub.files) == 5


async def test_what_was_delivered_makes_room(world: World) -> None:
    assert await fetches_onto_an_almost_full_disk(world)
    assert len([name for name in world.files("done") if name.endswith(".receipt")]) == 5


def test_the_oldest_copies_go_after_one_look_for_many_askers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(root: Path) -> tuple[int, int, int]:
        copies = sum(not path.suffix for path in (root / "done").iterdir())
        return 96 * MIB, 0, (30 - copies) * MIB  # low from 21 copies on

    spool = Spool(tmp_path, TurnedClock(), usage=usage)
    for number in range(30):
        for path in (spool.path("done", f"{number}"), spool.sidecar("done", f"{number}")):
            path.touch()
            os.utime(path, (number, number))
    looked = Mock(side_effect=spool._copies)
    monkeypatch.setattr(spool, "_copies", looked)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(spool.room, [0] * 30)) and spool.room(2 * MIB)
    left = {int(path.name) for path in (tmp_path / "done").iterdir() if not path.suffix}
    assert left == set(range(30 - len(left), 30)) and len(left) == 18
    assert looked.call_count == 1


async def test_sabotage_room_from_done_is_noticed(world: World) -> None:
    with sabotage("room_from_done"):
        assert not await fetches_onto_an_almost_full_disk(world)


async def test_what_is_not_delivered_keeps_its_copy(world: World) -> None:
    world.put("a.csv", csv(1))
    world.hub.script.append(Scripted(500))
    await world.run()
    spool = Spool(world.inbox, world.clock, usage=lambda _: (96 * MIB, 0, MIB))
    assert not spool.room()
    assert len(world.files("done")) == 1


async def comes_back_with_the_key(world: World) -> bool:
    """A file comes while the relay has another key; whether it is opened once the true one is back."""
    path = world.root / "pgp.asc"
    true = path.read_text()
    path.write_text(PgpPair.make().secret)
    world.put("a.csv", csv(1))
    line = await world.run()
    assert line["failed"][0]["code"] == "pgp_foreign_key" and line["set_aside"] == 1
    path.write_text(true)
    await world.run()
    return world.files("bad") == [] and len(world.hub.files) == 1


async def test_a_file_for_another_key_goes_round_again_by_itself(world: World) -> None:
    assert await comes_back_with_the_key(world)


async def test_a_strangers_file_stays_aside_while_the_key_is_the_same(world: World) -> None:
    world.drop.put("a.csv", PgpPair.make().encrypt(csv(1)))
    lines = [await world.run() for _ in range(3)]
    assert [line["set_aside"] for line in lines] == [1, 1, 1]
    assert [len(line.get("failed", [])) for line in lines] == [1, 0, 0]


async def test_sabotage_key_again_is_noticed(world: World) -> None:
    with sabotage("key_again"):
        assert not await comes_back_with_the_key(world)


async def test_a_child_that_is_killed_says_nothing_of_the_file(world: World) -> None:
    world.put("a.csv", csv(1))
    killing = asyncio.create_task(_kill_children())
    line = await world.run()
    await killing
    assert line["failed"][0]["code"] == "pgp_ended" and line["set_aside"] == 0
    world.clock.turn(minutes=6)
    await world.run()
    assert len(world.hub.files) == 1


async def _kill_children() -> None:
    """SIGKILL for the first child of this process that opens files."""
    while True:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            if b"pgp_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
                return
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("wished", [True, False])
async def test_a_start_ends_a_pause_that_the_hub_did_not_wish_for(world: World, wished: bool) -> None:
    pause = world.cycle().pause
    pause.begin("why", timedelta(minutes=5), wished=wished)
    async with Relay(world.settings(), world.clock, timer=False, say=world.lines.append):
        assert bool(pause.active()) is wished


def test_a_stream_that_takes_no_line_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        say({"status": "ok"})
        monkeypatch.undo()
        with suppress(OSError):
            full.close()


async def test_a_pause_of_before_is_kept_while_the_clock_is_right(tmp_path: Path) -> None:
    clock = TurnedClock()
    pause = Pause(tmp_path / "pause", clock, chance=lambda: 1.0)
    pause.begin("why")
    assert pause.active() == "why"
    (tmp_path / "pause").write_text('{"until": %f, "reason": "old"}' % (clock.now().timestamp() + 9))
    assert pause.active() == "old"
