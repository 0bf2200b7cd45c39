"""One cycle from the drop to the hub: its counts, its line, and what it leaves behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.relay.hub_double import Scripted
from tests.relay.world import ADMIN, SECRET, World, csv, digest, zipped
from wattledger.faults import sabotage
from wattledger.relay.cycle import Job
from wattledger.relay.spool import Spool


async def test_a_cycle_moves_an_encrypted_zip_to_the_hub(world: World) -> None:
    world.put("IntervalMeterUsage1.CSV.134642921.asc", zipped(Interval__CSV=csv(1), Billing__CSV=b"a,b\n"))
    line = await world.run()
    assert list(line)[:5] == ["status", "fetched", "decrypted", "processed_files", "sent"]
    assert [line[k] for k in list(line)[:5]] == ["ok", 1, 1, 1, 2]
    assert set(world.hub.files.values()) == {csv(1), b"a,b\n"}
    assert set(world.hub.names.values()) == {"Interval.CSV", "Billing.CSV"}
    assert world.files("out") == world.files("part") == world.files("enc") == world.files("bad") == []


async def test_the_hub_learns_what_a_file_was_wrapped_in(world: World) -> None:
    inner = zipped(Interval__CSV=csv(1))
    message = world.pair.encrypt(inner)
    world.drop.put("Interval.CSV.134642921.asc", message)
    await world.run()
    _, _, headers, said = world.hub.requests[0]
    assert said["wrapped_in"] == [
        {"kind": "pgp", "name": "Interval.CSV.134642921.asc", "sha256": digest(message)},
        {"kind": "zip", "name": "Interval.CSV", "sha256": digest(inner)},
    ]
    assert (headers["x-intelliwatt-secret"], headers["x-admin-token"]) == (SECRET, ADMIN)
    assert said["source"] == "adhocusage" and said["mime"] == "text/csv" and said["captured_at"].endswith("Z")


async def test_an_empty_drop_is_idle_and_no_error(world: World) -> None:
    line = await world.run()
    assert (line["status"], line["idle"], line["sent"]) == ("ok", True, 0)


async def test_nothing_is_fetched_twice_even_by_another_process(world: World) -> None:
    world.put("a.asc", csv(1))
    assert (await world.run())["fetched"] == 1
    assert (await world.run())["idle"] is True
    assert [name for what, name in world.drop.operations if what == "open"] == ["/adhocusage/a.asc"]


async def test_a_file_replaced_in_place_is_fetched_again(world: World) -> None:
    world.put("a.asc", csv(1))
    await world.run()
    world.put("a.asc", csv(2), mtime=1_700_000_000)
    assert (await world.run())["fetched"] == 1
    assert set(world.hub.files.values()) == {csv(1), csv(2)}


async def test_the_same_content_encrypted_anew_reaches_the_hub_as_a_duplicate(world: World) -> None:
    world.put("a.asc", csv(1))
    world.put("b.asc", csv(1))
    line = await world.run()
    assert (line["status"], line["sent"], len(world.hub.files)) == ("ok", 2, 1)


async def test_plain_files_and_both_folders_are_taken(world: World) -> None:
    world.drop.put("plain.csv", csv(1))
    world.drop.put("report.csv", b"Enrollment,Report\n", folder="EnrollmentReports")
    line = await world.run()
    assert (line["fetched"], line["decrypted"], line["processed_files"], line["sent"]) == (2, 0, 2, 2)
    assert {said["source"] for *_, said in world.hub.requests} == {"adhocusage", "enrollment"}
    assert world.files("enc") == [] and not [f for f in world.files("done") if not f.endswith(".receipt")]


async def test_a_missing_report_folder_is_a_warning(world: World) -> None:
    line = await world.run(smt_sftp_report_dir="/nowhere")
    assert line["status"] == "ok" and "/nowhere" in line["warnings"][0]


async def test_a_missing_usage_folder_fails_the_cycle(world: World) -> None:
    line = await world.run(smt_sftp_remote_dir="/nowhere")
    assert line["status"] == "failed" and "/nowhere" in line["error"]


async def test_some_bad_files_make_it_partial_and_are_named(world: World) -> None:
    world.put("good.asc", csv(1))
    world.drop.put("cut.asc", world.pair.encrypt(csv(2), armor=False)[:-40])
    line = await world.run()
    assert (line["status"], line["sent"]) == ("partial", 1)
    assert [(f["name"], f["code"]) for f in line["failed"]] == [("cut.asc", "pgp_corrupt")]
    assert line["set_aside"] == 1


async def test_the_line_is_the_heartbeat(world: World) -> None:
    line = await world.run()
    assert world.hub.beats == [line] and line["relay"] == "relay"
    assert world.lines == [line]


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("smt_sftp_user", "SMT_SFTP_USER"),
        ("smt_sftp_key_path", "SMT_SFTP_KEY_PATH"),
        ("smt_sftp_known_hosts", "SMT_SFTP_KNOWN_HOSTS"),
        ("hub_url", "INTELLIWATT_BASE_URL"),
        ("webhook_secret", "INTELLIWATT_WEBHOOK_SECRET"),
        ("admin_token", "ADMIN_TOKEN"),
    ],
)
async def test_a_missing_setting_is_named_in_the_line(world: World, setting: str, name: str) -> None:
    line = await world.run(**{setting: None})
    assert line["status"] == "failed" and name in line["error"]


async def test_without_a_key_files_wait_and_are_opened_once_there_is_one(world: World) -> None:
    world.put("a.asc", csv(1))
    line = await world.run(smt_pgp_key_path=None)
    assert line["failed"][0]["code"] == "pgp_key_missing" and world.files("bad") == []
    line = await world.run()
    assert (line["status"], line["decrypted"], line["sent"]) == ("ok", 1, 1)


async def test_a_plain_http_hub_elsewhere_is_a_warning(world: World) -> None:
    line = await world.run(hub_url="http://192.0.2.1", smt_sftp_user=None)
    assert "plain http" in line["warnings"][0]


async def overlapping(world: World) -> list[str]:
    """Two relays on one spool at the same time; the status of each."""
    world.put("a.asc", csv(1))
    world.hub.delay = 0.3
    first = asyncio.create_task(world.cycle().run(Job("one")))
    while not world.hub.requests:
        await asyncio.sleep(0.01)
    other = world.cycle()
    other.patience = 0
    second = await other.run(Job("two"))
    return [(await first)["status"], second["status"]]


async def test_a_second_relay_on_the_same_spool_stays_out(world: World) -> None:
    assert await overlapping(world) == ["ok", "failed"]


async def test_a_second_relay_waits_for_the_first(world: World) -> None:
    world.put("a.asc", csv(1))
    world.hub.delay = 0.3
    lines = await asyncio.gather(*(world.cycle().run(Job(name)) for name in "ab"))
    assert [line["status"] for line in lines] == ["ok", "ok"] and len(world.hub.received) == 1


async def test_sabotage_run_lock_is_noticed(world: World) -> None:
    with sabotage("run_lock"):
        assert await overlapping(world) != ["ok", "failed"]
    assert len(world.hub.received) > 1


async def test_a_full_disk_stops_fetching_but_not_delivering(world: World) -> None:
    world.put("a.asc", csv(1))
    world.hub.always = Scripted(503)
    await world.run()
    world.hub.always = None
    world.clock.turn(minutes=10)
    world.put("b.asc", csv(2))
    cycle = world.cycle()
    cycle.spool._usage = lambda path: (1 << 40, 0, 0)
    line = await cycle.run(Job("full"))
    assert (line["fetched"], line["sent"]) == (0, 1) and "disk" in line["error"]
    assert (await world.run())["sent"] == 1


async def test_a_folder_that_cannot_be_listed_is_told_in_the_line(world: World) -> None:
    cycle, count = world.cycle(), Spool.count

    def refuse(self: Spool, folder: str) -> int:
        raise OSError(5, "Input/output error")

    Spool.count = refuse  # type: ignore[method-assign]
    try:
        line = await cycle.run(Job("test"))
    finally:
        Spool.count = count  # type: ignore[method-assign]
    assert line["status"] != "ok" and "Input/output error" in str(line)
