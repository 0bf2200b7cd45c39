"""Delivery: the receipt decides; every fault of the hub has its consequence; nothing is lost by any."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.relay.hub_double import Scripted
from tests.relay.world import World, csv, digest
from wattledger.faults import sabotage
from wattledger.relay import hub as hub_module
from wattledger.relay.cycle import Job
from wattledger.relay.pause import Pause, backoff
from wattledger.relay.report import Line


async def one_file(world: World, answer: Scripted | None = None, **settings: object) -> Line:
    world.drop.put("a.csv", csv(1))
    if answer:
        world.hub.script.append(answer)
    return await world.run(**settings)


def kept(world: World) -> bool:
    """Whether the file is with the hub, or still waits, or lies set aside: never nowhere."""
    there = digest(csv(1)) in world.hub.files
    return there or bool(world.files("out") or world.files("bad"))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_passing_fault_keeps_the_file_and_sends_it_later(world: World, status: int) -> None:
    line = await one_file(world, Scripted(status, store=False))
    assert (line["status"], line["sent"], line["waiting"]) == ("partial", 0, 1)
    world.clock.turn(minutes=6)
    assert (await world.run())["sent"] == 1


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
async def test_a_final_no_sets_the_file_aside_with_the_hubs_reason(world: World, status: int) -> None:
    text = b'{"ok":false,"error":"INLINE_SIZE_MISMATCH","message":"one byte off"}'
    world.drop.put("b.csv", csv(2))
    line = await one_file(world, Scripted(status, text=text))
    assert (line["sent"], line["set_aside"], line["status"]) == (1, 1, "partial")
    (failed,) = line["failed"]
    assert failed["code"] == f"hub_{status}" and "one byte off" in failed["reason"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_relay_stops_sending_and_tries_once_in_five_minutes(
    world: World, status: int
) -> None:
    for number in range(6):
        world.drop.put(f"{number}.csv", csv(number))
    world.hub.always = Scripted(status, store=False)
    line = await world.run()
    tried = len(world.hub.requests)
    assert tried <= 4 and "ADMIN_TOKEN" in line["error"] and line["waiting"] == 6
    for _ in range(3):
        await world.run()
    assert len(world.hub.requests) == tried
    world.hub.always = None
    world.clock.turn(minutes=5, seconds=1)
    assert (await world.run())["sent"] == 6


@pytest.mark.parametrize("status", [401, 500])
async def test_an_operator_who_mended_the_cause_need_not_wait(world: World, status: int) -> None:
    for number in range(6):
        world.drop.put(f"{number}.csv", csv(number))
    world.hub.always = Scripted(status, store=False)
    assert (await world.run())["sent"] == 0
    world.hub.always = None
    assert (await world.cycle().run(Job("asked", "run_once")))["sent"] == 6


async def test_even_an_operator_keeps_the_hubs_own_wish(world: World) -> None:
    await one_file(world, Scripted(503, {"retry-after": "120"}, store=False))
    line = await world.cycle().run(Job("asked", "run_once"))
    assert (line["sent"], line["waiting"]) == (0, 1)


@pytest.mark.parametrize("status", [301, 302, 404, 405, 501])
async def test_an_address_that_is_no_hub_keeps_everything(world: World, status: int) -> None:
    line = await one_file(world, Scripted(status, store=False))
    assert "INTELLIWATT_BASE_URL" in str(line["error"]) and kept(world) and not world.files("bad")


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("1", 1), ("999999", 3600), ("Wed, 01 Jan 2020 00:00:00 GMT", 1)]
)
async def test_retry_after_is_honoured_within_bounds(world: World, value: str, seconds: int) -> None:
    await one_file(world, Scripted(503, {"retry-after": value}, store=False))
    until, _ = Pause(world.inbox / "pause", world.clock).read()
    assert seconds - 5 <= until - world.clock.now().timestamp() <= seconds


@pytest.mark.parametrize("value", ["-5", "soon", "1e9", ""])
async def test_a_senseless_retry_after_is_no_wish(world: World, value: str) -> None:
    await one_file(world, Scripted(503, {"retry-after": value}, store=False))
    world.clock.turn(minutes=6)
    assert (await world.run())["sent"] == 1


LIES: list[dict[str, Any]] = [
    {"sha256": "0" * 64},
    {"sizeBytes": 1},
    {"sizeBytes": None},
    {"persisted": False},
    {"sha256": None},
]


@pytest.mark.parametrize("change", LIES)
async def test_a_receipt_that_differs_is_a_failure(world: World, change: dict[str, Any]) -> None:
    line = await one_file(world, Scripted(change=change, store=False))
    assert line["sent"] == 0 and kept(world) and "receipt" in str(line["failed"])


async def test_sabotage_receipt_check_is_noticed(world: World) -> None:
    with sabotage("receipt_check"):
        await one_file(world, Scripted(change=LIES[0], store=False))
    assert not kept(world)


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null", b'{"ok":false}'])
async def test_an_answer_that_is_no_receipt_is_a_failure(world: World, text: bytes) -> None:
    line = await one_file(world, Scripted(text=text, store=False))
    assert line["sent"] == 0 and kept(world)


async def test_a_lost_answer_after_the_commit_is_repeated_without_harm(world: World) -> None:
    await one_file(world, Scripted(cut=True))
    world.clock.turn(minutes=6)
    line = await world.run()
    assert (line["sent"], len(world.hub.files), len(world.hub.received)) == (1, 1, 2)


async def test_a_dripping_answer_meets_a_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "DEADLINE", 0.3)
    monkeypatch.setattr(hub_module.Hub.__init__, "__kwdefaults__", {"deadline": 0.3})
    line = await one_file(world, Scripted(drip=0.1, store=False))
    assert line["sent"] == 0 and kept(world) and float(str(line["seconds"])) < 5


async def test_a_hub_that_is_down_is_left_alone_after_three_failures(world: World) -> None:
    for number in range(20):
        world.drop.put(f"{number}.csv", csv(number))
    world.hub.always = Scripted(500, store=False)
    await world.run()
    assert len(world.hub.requests) < 10
    world.hub.always = None
    world.clock.turn(minutes=6)
    assert (await world.run())["sent"] == 20


async def test_one_poisonous_file_delays_no_other(world: World) -> None:
    for number in range(12):
        world.drop.put(f"{number}.csv", csv(number))
    world.hub.script.append(Scripted(500, store=False))
    line = await world.run()
    assert (line["sent"], line["waiting"], line["status"]) == (11, 1, "partial")


async def test_a_large_file_goes_as_a_stream(world: World) -> None:
    body = csv(1, rows=400_000)
    assert len(body) > 8 << 20
    world.drop.put("big\r\n.csv", body)
    assert (await world.run())["sent"] == 1
    method, path, _, labels = world.hub.requests[0]
    assert (method, path) == ("PUT", f"/api/admin/smt/payloads/{digest(body)}")
    assert labels["filename"] == "big��.csv" and labels["wrapped_in"] == "[]"


async def test_bytes_that_gzip_cannot_shrink_go_as_base64(world: World) -> None:
    world.drop.put("tiny.csv", b"a")
    await world.run()
    assert world.hub.requests[0][3]["encoding"] == "base64"


def test_backoff_stays_between_a_second_and_five_minutes() -> None:
    assert [backoff(n, lambda: 0.0) for n in (1, 5, 50)] == [1.0, 1.0, 1.0]
    assert [backoff(n, lambda: 1.0) for n in (1, 4, 20, 10_000)] == [2.0, 16.0, 300.0, 300.0]


async def test_a_pause_outlives_the_process_and_a_damaged_one_is_none(world: World) -> None:
    world.inbox.mkdir()
    path = world.inbox / "pause"
    Pause(path, world.clock).begin("busy", timedelta(seconds=60))
    assert Pause(path, world.clock).active() == "busy"
    path.write_bytes(b"{torn")
    assert Pause(path, world.clock).active() is None


async def test_several_files_travel_at_once_but_never_more_than_four(world: World) -> None:
    world.hub.delay = 0.05
    for number in range(12):
        world.drop.put(f"{number}.csv", csv(number))
    await world.cycle().run(Job("many"))
    assert 2 <= world.hub.most_at_once <= 4
