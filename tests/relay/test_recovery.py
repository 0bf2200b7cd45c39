"""A start after a kill: leftovers are cleaned, damage is set aside, nothing stops the start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relay.hub_double import Scripted
from tests.relay.world import TurnedClock, World, csv
from wattledger.errors import BadPayload, Misconfigured, NotFound, TryLater
from wattledger.relay.item import Item, remote_key
from wattledger.relay.recovery import recover
from wattledger.relay.spool import FOLDERS, Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "inbox", TurnedClock())


def waiting(spool: Spool, item_id: str = "a", stage: str = "out") -> Item:
    item = Item(item_id, f"{item_id}.csv", "/adhocusage", 4, 1_700_000_000, stage=stage)  # type: ignore[arg-type]
    spool.sidecar(stage, item_id).write_bytes(item.dump())
    spool.path(stage, item_id).write_bytes(b"body")
    return item


def test_plaintext_that_was_being_written_is_gone_after_a_start(spool: Spool) -> None:
    (spool.root / "part" / "x").write_bytes(b"plain")
    (spool.root / "part" / "folder").mkdir()
    (spool.root / "out" / "y.tmp").write_bytes(b"plain")
    recover(spool)
    assert list((spool.root / "part").iterdir()) == [] and not list((spool.root / "out").iterdir())


@pytest.mark.parametrize("sidecar", [b"", b"{", b"[]", b"{}", b'{"id": "other"}', b"\xff\x00", None])
@pytest.mark.parametrize("stage", ["enc", "out"])
def test_a_damaged_sidecar_sets_the_file_aside(spool: Spool, sidecar: bytes | None, stage: str) -> None:
    waiting(spool, "good")
    spool.path(stage, "bad").write_bytes(b"body")
    if sidecar is not None:
        spool.sidecar(stage, "bad").write_bytes(sidecar)
    assert recover(spool)
    assert [i.id for i in spool.items("out")] == ["good"]
    (item,) = spool.items("bad")
    assert item.code == "sidecar_damaged" and spool.path("bad", "bad").read_bytes() == b"body"
    assert recover(spool) == []


def test_a_sidecar_without_a_body_is_as_if_it_never_was(spool: Spool) -> None:
    for stage in ("enc", "out"):
        waiting(spool, "a", stage)
        spool.path(stage, "a").unlink()
    recover(spool)
    assert spool.items("enc") == spool.items("out") == [] and "a" not in spool.ledger


def test_what_was_received_before_a_kill_is_not_sent_again(spool: Spool) -> None:
    item = waiting(spool)
    spool.received(item, {"hub_id": "1"})
    waiting(spool)
    recover(spool)
    assert spool.items("out") == []


def test_what_was_taken_before_a_kill_is_not_fetched_again(spool: Spool) -> None:
    key = remote_key("/adhocusage", "a", 4, 1)
    waiting(spool, key, "enc")
    recover(spool)
    assert key in spool.ledger


def test_links_in_the_part_folder_are_not_followed(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"x")
    (spool.root / "part" / "link").symlink_to(tmp_path / "precious")
    recover(spool)
    assert (tmp_path / "precious" / "file").exists()


def test_ciphertext_and_receipts_are_kept_for_thirty_days(tmp_path: Path) -> None:
    clock = TurnedClock()
    spool = Spool(tmp_path / "inbox", clock)
    spool.opened(waiting(spool, "a", "enc"), encrypted=True)
    spool.received(waiting(spool, "b"), {})
    clock.turn(days=29)
    assert spool.prune() == 0 and spool.path("done", "a").exists()
    clock.turn(days=2)
    assert spool.prune() == 3 and list((spool.root / "done").iterdir()) == []


def test_what_is_done_is_looked_at_once_a_day_for_its_age(spool: Spool) -> None:
    def old(name: str) -> None:
        spool.path("done", name).touch()
        os.utime(spool.path("done", name), (1_700_000_000, 1_700_000_000))

    old("a.receipt")
    assert spool.prune() == 1
    old("b.receipt")
    assert spool.prune() == 0
    spool._clock.turn(days=1)  # type: ignore[attr-defined]
    assert spool.prune() == 1


def test_a_start_alone_looks_through_all_that_is_done(spool: Spool) -> None:
    recover(spool)
    spool.opened(waiting(spool, "a", "enc"), encrypted=True)
    recover(spool)
    assert "a" not in spool.ledger
    started = Spool(spool.root, TurnedClock())
    recover(started)
    assert "a" in started.ledger


def test_the_lock_keeps_a_second_one_out_and_ends_with_its_holder(spool: Spool) -> None:
    other = Spool(spool.root, TurnedClock())
    with spool.locked(), pytest.raises(TryLater), other.locked():
        pass
    with other.locked():
        pass


def test_folders_are_private(spool: Spool) -> None:
    assert {oct((spool.root / n).stat().st_mode & 0o777) for n in FOLDERS} == {"0o700"}


def test_an_inbox_that_cannot_be_made_names_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="SMT_INBOX_DIR"):
        Spool(tmp_path / "file" / "inbox", TurnedClock())


async def test_set_aside_files_go_round_again(world: World) -> None:
    world.drop.put("a.csv", csv(1))
    world.hub.script.append(Scripted(422, text=b"{}", store=False))
    await world.run()
    spool = world.cycle().spool
    with pytest.raises(NotFound, match="nope"):
        spool.requeue(["nope"])
    assert [i.name for i in spool.requeue(["a.csv"])] == ["a.csv"]
    line = await world.run()
    assert (line["sent"], line["set_aside"]) == (1, 0)


async def test_a_file_for_another_key_is_opened_after_the_key_is_there(world: World) -> None:
    from wattledger.simulators.pgp import PgpPair

    other = PgpPair.make()
    world.drop.put("a.asc", other.encrypt(csv(1)))
    line = await world.run()
    (failed,) = line["failed"]
    assert failed["code"] == "pgp_foreign_key" and "recipients" in failed["reason"]
    (world.root / "pgp.asc").write_text(other.secret)
    world.cycle().spool.requeue()
    assert (await world.run())["sent"] == 1


@given(st.binary(max_size=300))
def test_no_bytes_in_a_sidecar_do_harm(body: bytes) -> None:
    try:
        assert isinstance(Item.load(body).id, str)
    except BadPayload as error:
        assert error.code == "sidecar_damaged"


@given(st.text(), st.text(), st.integers(0, 2**53), st.integers(0, 2**40))
def test_a_local_name_is_a_hash_whatever_the_remote_name(folder: str, name: str, size: int, at: int) -> None:
    key = remote_key(folder, name, size, at)
    assert len(key) == 32 and set(key) <= set("0123456789abcdef")
