"""Opening PGP files: what real ones give, what broken and hostile ones say, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relay import pgp_makers as make
from tests.relay.conftest import PAIR
from tests.relay.world import csv, zipped
from wattledger.connectors.smart_meter_texas.drop.pgp import (
    Limits,
    PgpKeys,
    looks_encrypted,
    open_files,
    open_pgp,
)
from wattledger.connectors.smart_meter_texas.drop.pgp_packets import shape
from wattledger.errors import BadPayload
from wattledger.faults import sabotage

PLAIN = csv(1)
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


@pytest.fixture
def keys(tmp_path: Path) -> PgpKeys:
    return PgpKeys(PAIR.write_secret(tmp_path / "key.asc"))


@pytest.fixture(scope="module")
def by_gpg(tmp_path_factory: pytest.TempPathFactory) -> tuple[PgpKeys, Path]:
    """A key that gpg made, and its home."""
    return make.gpg_key(tmp_path_factory.mktemp("gpg"))


async def code_of(message: bytes, keys: PgpKeys, limits: Limits | None = None) -> str:
    """The code with which a message is refused; `opened` where it is not."""
    try:
        await open_pgp(message, keys, limits)
    except BadPayload as error:
        return error.code
    return "opened"


@pytest.mark.parametrize("armor", [True, False])
async def test_armoured_and_binary_messages_open(keys: PgpKeys, armor: bool) -> None:
    assert await open_pgp(PAIR.encrypt(PLAIN, armor=armor), keys) == PLAIN


async def test_armour_survives_crlf_a_bom_and_a_comment(keys: PgpKeys) -> None:
    message = PAIR.encrypt(PLAIN).replace(b"\n", b"\r\n")
    message = message.replace(b"MESSAGE-----\r\n", b"MESSAGE-----\r\nComment: by hand\r\n", 1)
    assert looks_encrypted(b"\xef\xbb\xbf" + message)
    assert await open_pgp(message, keys) == PLAIN


@pytest.mark.parametrize("cut", [0, 4, 8, 40, 200, -30, -1])
async def test_a_cut_message_is_corrupt(keys: PgpKeys, cut: int) -> None:
    message = PAIR.encrypt(PLAIN, armor=False)[: cut or 1]
    assert await code_of(message, keys) in {"pgp_corrupt", "pgp_not_encrypted"}


async def test_a_changed_message_is_corrupt(keys: PgpKeys) -> None:
    message = bytearray(PAIR.encrypt(PLAIN, armor=False))
    message[-100] ^= 1
    assert await code_of(bytes(message), keys) == "pgp_corrupt"


async def test_a_message_for_another_key_names_that_key(keys: PgpKeys) -> None:
    other = make.pair()
    message = other.encrypt(PLAIN)
    with pytest.raises(BadPayload, match=shape(message).recipients[0]) as caught:
        await open_pgp(message, keys)
    assert caught.value.code == "pgp_foreign_key"


async def test_a_missing_key_is_the_operators_business(tmp_path: Path) -> None:
    message = PAIR.encrypt(PLAIN)
    assert await code_of(message, PgpKeys()) == "pgp_key_missing"
    assert await code_of(message, PgpKeys(tmp_path / "nowhere")) == "pgp_key_missing"
    (tmp_path / "key").write_text("no key")
    assert await code_of(message, PgpKeys(tmp_path / "key")) in {"pgp_key_unusable", "pgp_corrupt"}


@pytest.mark.parametrize("armor", [True, False])
async def test_a_message_that_was_never_encrypted_is_refused(keys: PgpKeys, armor: bool) -> None:
    for body in (make.literal(PLAIN), make.compressed(make.literal(PLAIN))):
        message = make.armoured(body) if armor else body
        assert looks_encrypted(message)
        assert await code_of(message, keys) == "pgp_not_encrypted"


async def plain_bomb_is_stopped(keys: PgpKeys) -> bool:
    """Whether two mebibytes behind a limit of one are refused."""
    return await code_of(PAIR.encrypt(os.urandom(2 << 20)), keys, Limits(plain=1 << 20)) == "pgp_bomb"


async def test_output_stops_at_the_limit(keys: PgpKeys) -> None:
    assert await plain_bomb_is_stopped(keys)


async def test_sabotage_pgp_limits_is_noticed(keys: PgpKeys) -> None:
    with sabotage("pgp_limits"):
        assert not await plain_bomb_is_stopped(keys)


@needs_gpg
async def test_a_compressed_bomb_is_stopped_by_its_ratio(by_gpg: tuple[PgpKeys, Path]) -> None:
    keys, home = by_gpg
    bomb = make.gpg_encrypt(home, bytes(64 << 20))
    assert len(bomb) < 100_000
    assert await code_of(bomb, keys) == "pgp_bomb"
    assert await open_pgp(make.gpg_encrypt(home, PLAIN), keys) == PLAIN


@needs_gpg
async def test_a_gnupg_home_and_a_passphrase_work(by_gpg: tuple[PgpKeys, Path]) -> None:
    keys, home = by_gpg
    message = make.gpg_encrypt(home, PLAIN)
    assert await open_pgp(message, keys) == PLAIN
    assert await open_pgp(message, PgpKeys(None, make.PHRASE, home)) == PLAIN
    assert await code_of(message, PgpKeys(keys.key_path, "wrong")) == "pgp_passphrase"
    assert await code_of(message[:-50], PgpKeys(None, make.PHRASE, home)) == "pgp_corrupt"


async def test_too_much_ciphertext_is_not_even_tried(keys: PgpKeys) -> None:
    assert await code_of(PAIR.encrypt(PLAIN), keys, Limits(cipher=100)) == "pgp_too_large"


async def test_a_hung_child_is_ended_and_replaced(keys: PgpKeys, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    good = tmp_path / "good"
    good.write_bytes(PAIR.encrypt(PLAIN))
    fifo.write_bytes(PAIR.encrypt(PLAIN))
    jobs = [(fifo, tmp_path / "o1"), (good, tmp_path / "o2")]
    first, second = await open_files(jobs, keys, Limits(wall=0))
    assert first.error and first.error.code == "pgp_timeout"
    assert second.error and not (tmp_path / "o1").exists() and not (tmp_path / "o2").exists()
    assert (await open_files(jobs, keys))[1].error is None


async def test_one_batch_survives_every_kind_of_bad_file(keys: PgpKeys, tmp_path: Path) -> None:
    bodies = {
        "good1": PAIR.encrypt(PLAIN),
        "cut": PAIR.encrypt(PLAIN)[:300],
        "foreign": make.pair().encrypt(PLAIN),
        "literal": make.literal(PLAIN),
        "large": PAIR.encrypt(os.urandom(3 << 20)),
        "good2": PAIR.encrypt(zipped(a__csv=PLAIN)),
    }
    jobs = []
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
        jobs.append((tmp_path / name, tmp_path / f"{name}.out"))
    done = await open_files(jobs, keys, Limits(plain=2 << 20))
    codes = [one.error.code if one.error else "" for one in done]
    assert codes == ["", "pgp_corrupt", "pgp_foreign_key", "pgp_not_encrypted", "pgp_bomb", ""]
    assert sorted(p.name for p in tmp_path.glob("*.out")) == ["good1.out", "good2.out"]


async def test_nothing_stays_behind(keys: PgpKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    await open_pgp(PAIR.encrypt(PLAIN), keys)
    await code_of(PAIR.encrypt(PLAIN)[:200], keys)
    await code_of(PAIR.encrypt(PLAIN), keys, Limits(wall=0))
    assert set(tmp_path.iterdir()) == before


async def test_a_cancelled_batch_takes_its_child_along(keys: PgpKeys, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(PAIR.encrypt(os.urandom(8 << 20)))
    task = asyncio.create_task(open_files([(tmp_path / "in", tmp_path / "out")] * 20, keys))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
    children = [line.split() for line in found.splitlines() if "pgp_child.py" in line]
    assert not [line for line in children if line[0] == str(os.getpid())]


@pytest.mark.parametrize(
    "head",
    [b"", b"ESIID,USAGE_DATE\n", b"PK\x03\x04", b"\x1f\x8b", b"<?xml", "É,Ü".encode(), b"\x85", b"\xc1"],
)
def test_what_is_no_pgp_is_left_alone(head: bytes) -> None:
    assert not looks_encrypted(head)


@given(st.binary(max_size=400))
def test_no_bytes_upset_the_packet_reader(head: bytes) -> None:
    assert looks_encrypted(head) in {True, False}
    shape(head)
    shape(b"-----BEGIN PGP MESSAGE-----\n\n" + head)


@given(st.integers(0, 2000))
def test_a_cut_anywhere_is_read_as_far_as_it_goes(cut: int) -> None:
    message = PAIR.encrypt(b"x" * 100, armor=False)
    found = shape(message[:cut])
    assert found.encrypted <= bool(found.recipients) and found.recipients in {(), shape(message).recipients}
