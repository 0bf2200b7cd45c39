"""PGP messages with bytes changed: refused with a reason, or opened to the very plaintext."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.relay import pgp_makers as make
from tests.relay.conftest import PAIR
from tests.relay.world import csv
from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys, open_files

PLAIN, SEED, BATCH = csv(1), 7, 100


async def tried(folder: Path, batches: int) -> tuple[int, int]:
    """(refused, opened) of so many batches of mutations. Nothing wrong comes out, nothing stays behind."""
    keys = PgpKeys(PAIR.write_secret(folder / "key.asc"))
    chance, message, refused = Random(SEED), PAIR.encrypt(PLAIN, armor=False), 0
    for batch in range(batches):
        jobs = []
        for number in range(BATCH):
            (folder / f"{number}").write_bytes(make.mutated(message, chance))
            jobs.append((folder / f"{number}", folder / f"{number}.out"))
        for one in await open_files(jobs, keys):
            whole = one.target.exists() and one.target.read_bytes() == PLAIN
            assert whole if one.error is None else not one.target.exists(), (SEED, batch, one)
            refused += one.error is not None
            one.target.unlink(missing_ok=True)
    return refused, batches * BATCH - refused


async def test_a_hundred_mutations_never_give_a_wrong_plaintext(tmp_path: Path) -> None:
    refused, _ = await tried(tmp_path, 1)
    assert refused > BATCH / 2


@pytest.mark.soak
async def test_twenty_thousand_mutations_never_give_a_wrong_plaintext(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    refused, opened = await tried(tmp_path, 200)
    record_property("PGP_mutations", refused + opened)
    record_property("refused", refused)
    record_property("opened_to_the_true_bytes", opened)
    record_property("seed", SEED)
