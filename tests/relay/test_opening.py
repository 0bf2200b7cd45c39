"""What is inside a fetched file: hostile, broken and odd ones are set aside by name, the rest goes on."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import SHARED_PAYLOADS, needs_shared
from tests.relay import pgp_makers as make
from tests.relay.killing import child
from tests.relay.world import World, csv, zipped
from wattledger.relay.cycle import Job


def zip_bomb() -> bytes:
    return zipped(a__csv=bytes(40 << 20))


def nested(depth: int) -> bytes:
    body = csv(1)
    for _ in range(depth):
        body = zipped(inner__zip=body)
    return body


def locked_zip() -> bytes:
    body = bytearray(zipped(a__csv=csv(1)))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(magic) + at] |= 1
    return bytes(body)


def traversal() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../../tmp/evil.csv", csv(1))
        archive.writestr("/etc/evil.csv", csv(2))
        archive.writestr("nul\\..\\x.csv", csv(3))
    return out.getvalue()


REFUSED: dict[str, Callable[[], bytes]] = {
    "bomb": zip_bomb,
    "gzip bomb": lambda: gzip.compress(bytes(40 << 20)),
    "three zips deep": lambda: nested(3),
    "locked zip": locked_zip,
    "empty zip": lambda: zipped(),
    "cut zip": lambda: zipped(a__csv=csv(1))[:60],
    "cut gzip": lambda: gzip.compress(csv(1))[:-9],
    "too many members": lambda: zipped(**{f"m{n}": b"x" for n in range(33)}),
}


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("kind", REFUSED)
async def test_a_bad_archive_is_set_aside_and_the_next_file_read(
    world: World, kind: str, encrypted: bool
) -> None:
    body = REFUSED[kind]()
    world.drop.put("bad.zip.asc", world.pair.encrypt(body) if encrypted else body)
    world.put("good.asc", csv(9))
    line = await world.run()
    assert (line["status"], line["sent"], line["set_aside"]) == ("partial", 1, 1)
    (failed,) = line["failed"]
    assert failed["name"] == "bad.zip.asc" and failed["code"] and failed["reason"].endswith(".")
    assert world.files("part") == world.files("out") == []


async def test_member_names_never_become_paths(world: World) -> None:
    world.put("a.asc", traversal())
    line = await world.run()
    assert (line["status"], line["sent"]) == ("ok", 3)
    assert not Path("/tmp/evil.csv").exists() and not Path("/etc/evil.csv").exists()


async def test_layers_within_the_limit_are_opened(world: World) -> None:
    world.put("a.asc", zipped(a__csv__gz=gzip.compress(csv(3))))
    world.drop.put("b.csv.gz", gzip.compress(csv(2)))
    world.put("c.asc", nested(2))
    assert (await world.run())["sent"] == 3
    assert sorted(world.hub.names.values()) == ["a.csv", "b.csv", "inner.zip"]


async def test_an_empty_file_is_set_aside_and_its_successor_taken(world: World) -> None:
    world.drop.put("a.csv", b"")
    assert [f["code"] for f in (await world.run())["failed"]] == ["empty"]
    world.drop.put("a.csv", csv(1))
    assert (await world.run())["sent"] == 1


@pytest.mark.parametrize(
    "body", [b"ESIID,USAGE_DATE\n", b"\x00\x01", b"{", b"<html>", "ÄÖ".encode("latin-1")]
)
async def test_what_is_no_meter_file_is_kept_by_the_hub_all_the_same(world: World, body: bytes) -> None:
    world.put("odd.asc", body)
    assert (await world.run())["sent"] == 1 and list(world.hub.files.values()) == [body]


async def test_a_message_that_was_never_encrypted_is_not_delivered(world: World) -> None:
    world.drop.put("a.asc", make.armoured(make.literal(csv(1))))
    line = await world.run()
    assert [f["code"] for f in line["failed"]] == ["pgp_not_encrypted"] and world.hub.files == {}


async def test_one_child_opens_a_whole_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    real = asyncio.create_subprocess_exec

    async def counted(*arguments: object, **more: object) -> object:
        started.append(arguments)
        return await real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    for number in range(20):
        world.put(f"{number}.asc", csv(number))
    line = await world.run()
    assert (line["decrypted"], len(started)) == (20, 1)


async def test_a_spool_that_cannot_be_written_loses_nothing(world: World) -> None:
    from wattledger import faults

    def full() -> None:
        raise OSError(28, "No space left on device")

    world.put("a.asc", csv(1))
    faults.arm("spool.before_rename", full)
    line = await world.run()
    assert line["status"] == "failed" and "No space left" in line["error"]
    faults.disarm()
    assert (await world.run())["sent"] == 1 and world.files("part") == []


async def test_the_jail_dies_with_its_relay(world: World) -> None:
    world.drop.put("a.asc", world.pair.encrypt(os.urandom(8 << 20)))
    process = await child(world)
    async with asyncio.timeout(20):
        while not (world.inbox / "part").is_dir() or not [p for p in world.files("part") if "." in p]:
            await asyncio.sleep(0.01)
    process.kill()
    await asyncio.to_thread(process.join)
    line = await world.cycle().run(Job("after"))
    assert (line["status"], line["sent"]) == ("ok", 1) and world.files("part") == []


@needs_shared
async def test_recorded_files_arrive_byte_for_byte(world: World) -> None:
    bodies = [p.read_bytes() for p in sorted((SHARED_PAYLOADS / "smart_meter_texas").iterdir())]
    for number, body in enumerate(bodies):
        world.put(f"{number}.CSV.134642921.asc", zipped(IntervalData__csv=body))
    assert (await world.run())["sent"] == len(bodies)
    assert sorted(world.hub.files.values()) == sorted(bodies)
