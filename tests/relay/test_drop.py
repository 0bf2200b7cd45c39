"""The vendor's drop: who is trusted, which files are taken, and when the server misbehaves."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import asyncssh
import pytest

from tests.relay.world import World, csv
from wattledger.connectors.smart_meter_texas.drop import host_key
from wattledger.connectors.smart_meter_texas.drop.folder import Place, open_drop
from wattledger.errors import Misconfigured, TryLater
from wattledger.faults import sabotage
from wattledger.relay.cycle import Job
from wattledger.relay.fetch import Fetch, Folders
from wattledger.relay.recovery import recover
from wattledger.relay.report import Report


async def test_a_key_with_another_comment_is_the_same_key(world: World) -> None:
    path = world.drop.write_client_key(world.root / "id_ed25519", comment="moved to another host")
    subprocess.run(
        ["ssh-keygen", "-c", "-C", "comment of today", "-f", path], check=True, capture_output=True
    )
    world.put("a.asc", csv(1))
    assert (await world.run())["fetched"] == 1


async def test_a_locked_or_senseless_key_is_named(world: World) -> None:
    path = world.root / "id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-p", "-q", "-N", "long enough", "-f", path], check=True, capture_output=True
    )
    line = await world.run()
    assert "SMT_SFTP_KEY_PATH" in line["error"] and "passphrase" in line["error"]
    path.write_text("no key at all")
    assert "SMT_SFTP_KEY_PATH" in (await world.run())["error"]


async def test_a_wrong_key_or_user_is_named(world: World) -> None:
    world.drop.faults.refuse_login = True
    line = await world.run()
    assert line["status"] == "failed" and "refused user" in line["error"]


async def fetched_after_a_key_change(world: World) -> int:
    world.put("a.asc", csv(1))
    await world.drop.restart(new_host_key=True)
    return int((await world.run())["fetched"])


async def test_a_changed_host_key_stops_everything_and_says_how_to_re_pin(world: World) -> None:
    assert await fetched_after_a_key_change(world) == 0
    assert "wattledger relay pin" in world.lines[0]["error"]


async def test_sabotage_host_key_is_noticed(world: World) -> None:
    with sabotage("host_key"):
        assert await fetched_after_a_key_change(world) == 1


async def test_an_unknown_host_is_not_trusted(world: World) -> None:
    (world.root / "known_hosts").write_text("# nobody yet\n")
    assert "pinned" in (await world.run())["error"]


async def test_pinning_shows_the_fingerprint_and_replaces_only_this_host(world: World) -> None:
    path = world.root / "known_hosts"
    path.write_text("other.example ssh-ed25519 AAAA\n")
    shown = await host_key.shown_by(world.drop.host, world.drop.port)
    assert shown.fingerprint == world.drop.host_key.get_fingerprint()
    assert host_key.pin(path, shown) and not host_key.pin(path, shown)
    assert path.read_text().startswith("other.example") and path.stat().st_mode & 0o777 == 0o600
    await world.drop.restart(new_host_key=True)
    assert "pinned" in (await world.run())["error"]
    host_key.pin(path, await host_key.shown_by(world.drop.host, world.drop.port))
    assert (await world.run())["status"] == "ok" and len(path.read_text().splitlines()) == 2


async def test_old_host_key_kinds_are_not_negotiated(world: World) -> None:
    world.drop.host_key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    await world.drop.restart()
    with pytest.raises(TryLater):
        await host_key.shown_by(world.drop.host, world.drop.port)


async def test_only_regular_files_are_taken(world: World) -> None:
    folder = world.drop.folder()
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/etc/hostname")
    world.drop.put("file.csv", csv(1))
    line = await world.run()
    assert (line["status"], line["fetched"]) == ("ok", 1)


NAMES = [
    b"..%2f..%2fetc",
    b"-rf",
    b"a b\tc",
    b"new\nline",
    b"\xff\xfe.csv",
    "\N{SNOWMAN}.csv".encode(),
    b"x" * 250,
    b"\\..\\x",
]


async def test_any_name_is_only_a_label(world: World) -> None:
    for number, name in enumerate(NAMES):
        Path(os.fsdecode(os.fsencode(world.drop.folder()) + b"/" + name)).write_bytes(csv(number))
    line = await world.run()
    assert (line["status"], line["sent"]) == ("ok", len(NAMES))
    inside = [p.name for p in world.inbox.rglob("*") if p.is_file()]
    assert all(name.split(".")[0].split("-")[0].isalnum() for name in inside if name != ".lock")
    assert not any(ord(c) < 32 for *_, said in world.hub.requests for c in said["filename"])


@pytest.mark.parametrize("what", ["login", "list", "open", "read"])
async def test_a_hung_server_ends_the_stage_in_time(world: World, what: str) -> None:
    world.put("a.asc", csv(1))
    world.drop.faults.hang = {what}
    settings = world.settings()
    place, report = Place.of(settings), Report()
    slow = Place(place.host, place.port, place.user, place.key_path, place.known_hosts, 0.5, 0.5, 0.5, 0.2)
    cycle = world.cycle()
    recover(cycle.spool)
    folders = Folders("/adhocusage", "/EnrollmentReports", 0)
    async with asyncio.timeout(5):
        await Fetch(cycle.spool, folders, world.clock, report).run(slow)
    assert report.status == "failed" and world.files("part") == []
    world.drop.faults.hang = set()
    assert (await world.run())["fetched"] == 1


async def test_the_deadline_of_a_cycle_keeps_what_was_whole(world: World) -> None:
    for number in range(120):
        world.drop.put(f"{number}.csv", csv(number, 5))
    world.drop.faults.read_delay = 0.05
    cycle, report = world.cycle(), Report()
    recover(cycle.spool)
    folders, place = Folders("/adhocusage", "/EnrollmentReports", 0), Place.of(world.settings())
    for deadline in (1, 2, 4, 8):
        await Fetch(cycle.spool, folders, world.clock, report, deadline).run(place)
        if report.fetched:
            break
    assert 0 < report.fetched < 120 and report.more and len(world.files("enc")) == report.fetched
    world.drop.faults.read_delay = 0
    line = await world.run()
    assert line["fetched"] == 120 - report.fetched and line["sent"] == 120


@pytest.mark.parametrize("at", [0, 1, 100, 2000])
async def test_a_connection_cut_at_any_byte_leaves_no_half_file(world: World, at: int) -> None:
    world.put("a.asc", csv(1))
    world.drop.faults.cut_at = at
    line = await world.run()
    assert (line["status"], line["fetched"]) == ("failed", 0) and world.files("enc") == []
    world.drop.faults.cut_at = None
    assert (await world.run())["sent"] == 1


async def test_one_file_that_cannot_be_opened_delays_no_other(world: World) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        world.drop.put(name, csv(ord(name[0])))
    world.drop.faults.lost = {"b.csv"}
    line = await world.run()
    assert (line["status"], line["sent"]) == ("partial", 2)
    assert [f["name"] for f in line["failed"]] == ["b.csv"]


async def half_files_taken(world: World) -> bool:
    """Whether any part of a file that was still growing reached the hub."""
    growing = asyncio.create_task(world.drop.grow("g.csv", [csv(1, 5), csv(2, 5), csv(3, 5)], 0.5))
    await asyncio.sleep(0.1)
    for _ in range(3):
        await world.run(smt_sftp_settle_seconds=60)
    await growing
    return bool(world.hub.files)


async def test_a_growing_file_is_left_until_it_lies_still(world: World) -> None:
    assert not await half_files_taken(world)
    world.clock.turn(seconds=61)
    assert (await world.run(smt_sftp_settle_seconds=60))["sent"] == 1
    assert list(world.hub.files.values()) == [csv(1, 5) + csv(2, 5) + csv(3, 5)]


async def test_a_young_file_is_whole_when_two_listings_agree(world: World) -> None:
    world.drop.put("a.csv", csv(1))
    assert [(await world.run(smt_sftp_settle_seconds=600))["fetched"] for _ in range(2)] == [0, 0]
    world.clock.turn(seconds=1)
    assert (await world.run(smt_sftp_settle_seconds=600))["fetched"] == 1


async def test_sabotage_settle_is_noticed(world: World) -> None:
    with sabotage("settle"):
        assert await half_files_taken(world)


async def test_a_clock_that_is_ahead_over_there_is_no_obstacle(world: World) -> None:
    ahead = world.clock.now().timestamp() + 86_400
    world.drop.put("a.csv", csv(1), mtime=ahead)
    assert (await world.run(smt_sftp_settle_seconds=60))["fetched"] == 0
    world.clock.turn(seconds=61)
    assert (await world.run(smt_sftp_settle_seconds=60))["fetched"] == 1


async def test_a_file_that_grows_while_it_is_read_is_not_kept(world: World) -> None:
    world.drop.put("a.csv", csv(1, 4000))
    world.drop.faults.read_delay = 0.3
    running = asyncio.create_task(world.run())
    while not any(what == "open" for what, _ in world.drop.operations):
        await asyncio.sleep(0.01)
    with (world.drop.folder() / "a.csv").open("ab") as file:
        file.write(b"more")
    assert [f["code"] for f in (await running)["failed"]] == ["changed"]
    world.drop.faults.read_delay = 0
    assert (await world.run())["sent"] == 1


@pytest.mark.parametrize("count", [1500, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_a_long_listing_is_read_in_bounded_memory(world: World, count: int) -> None:
    import tracemalloc

    for number in range(count):
        (world.drop.folder() / f"{number:05}.csv").touch()
    cycle = world.cycle()
    async with open_drop(Place.of(world.settings())) as drop:
        tracemalloc.start()
        seen = 0
        async for _ in drop.listing("/adhocusage"):
            seen += 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seen == count and peak < 16 << 20
    assert (await cycle.run(Job("empty files", fetch=False)))["status"] == "ok"


async def test_place_names_what_is_missing(world: World) -> None:
    with pytest.raises(Misconfigured, match="SMT_SFTP_USER"):
        Place.of(world.settings(smt_sftp_user=None))
