"""`db`, `replay`, `export`, `backup`, `restore`, `keys`: what they do to a filled ledger."""

from __future__ import annotations

import csv as csv_module
import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from tests.cli.conftest import DAYS, HOME, inside, wh
from wattledger.cli.runtime import Runtime
from wattledger.store.tables import connection as connections

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _filled(run: Run, csv: Path) -> None:
    run("ingest", csv)


def test_replay_reaches_the_same_digest(run: Run) -> None:
    before = run("db", "digest").stdout.strip()
    result = run("replay")
    assert result.exit_code == 0
    assert result.stdout.count(before) == 2


def test_scrub_finds_nothing_in_a_sound_ledger(run: Run) -> None:
    result = run("db", "scrub")
    assert result.exit_code == 0
    assert f"{DAYS} days" in result.stdout


def test_scrub_names_what_is_off(run: Run) -> None:
    async def break_a_day(runtime: Runtime) -> None:
        async with runtime.store.begin() as database:
            await database.exec_driver_sql("UPDATE energy_day SET total_wh = total_wh + 1 WHERE found = 92")

    inside(break_a_day)
    result = run("db", "scrub")
    assert result.exit_code == 1
    assert HOME.esiid in result.stderr or "2025-03-09" in result.stderr


def test_upgrade_says_that_it_is_done(run: Run) -> None:
    assert "up to date" in run("db", "upgrade").stdout


def test_export_csv_sums_to_the_file(run: Run) -> None:
    rows = list(csv_module.DictReader(io.StringIO(run("export").stdout)))
    assert len(rows) == DAYS * 96 - 4
    assert sum(round(float(row["kwh"]) * 1000) for row in rows) == wh()


def test_export_json_by_day_within_bounds(run: Run) -> None:
    words = (
        "export",
        HOME.esiid,
        "--by",
        "day",
        "--format",
        "json",
        "--start",
        "2025-03-02",
        "--end",
        "2025-03-05",
    )
    answer = json.loads(run(*words).stdout)
    assert answer["unit"] == "kWh"
    assert [point["expected"] for point in answer["points"]] == [96, 96, 96]


def test_export_parquet_to_a_file(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    run("export", "--format", "parquet", "-o", target)
    assert sum(pq.read_table(target)["wh"].to_pylist()) == wh()


def test_exported_green_button_reads_back_exactly(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    run("export", "--format", "greenbutton", "-o", target)
    result = run("ingest", target, "--json", "--data", tmp_path / "other")
    assert json.loads(result.stdout)[0]["kwh"] == {"delivered": wh() / 1000}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("unknown",), HOME.esiid),
        (("--start", "yesterday"), "--start"),
        (("--start", "2025-03-05", "--end", "2025-03-05"), "--end"),
        (("--flow", "received"), "Nothing is known"),
    ],
)
def test_an_export_of_nothing_says_why(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("export", *words)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_backup_restores_to_the_same_digest(run: Run, tmp_path: Path) -> None:
    digest = run("db", "digest").stdout.strip()
    archive = tmp_path / "home.tar"
    assert run("backup", archive).exit_code == 0
    assert digest in run("restore", archive, "--data", tmp_path / "new").stdout
    assert run("db", "digest", "--data", tmp_path / "new").stdout.strip() == digest


def test_a_restore_needs_an_empty_folder(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "home.tar"
    run("backup", archive)
    assert run("restore", archive).exit_code == 1


def test_the_key_file_is_private(environ: Path) -> None:
    assert stat.S_IMODE((environ / "keys").stat().st_mode) == 0o600


def test_rotating_keys_seals_everything_anew(run: Run, environ: Path) -> None:
    async def connect(runtime: Runtime) -> str:
        site = (await runtime.store.sites.default()).id
        return (await runtime.store.connections.create(site, "green_button", {}, {"password": "hush"})).id

    async def sealed(runtime: Runtime) -> str:
        async with runtime.store.connect() as database:
            row = (await database.execute(connections.select())).one()
        secret = runtime.vault.open(row.secrets, table="connection", row=row.id, column="secrets")
        assert json.loads(secret) == {"password": "hush"}
        return str(row.secrets).split("|")[1]

    inside(connect)
    old = inside(sealed)
    result = run("keys", "rotate")
    assert result.exit_code == 0
    assert "1 sealed values" in result.stdout
    new = inside(sealed)
    assert new != old
    assert run("keys", "list").stdout.split()[:2] == [new, old]


def test_a_new_key_is_printed_for_the_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    item = run("keys", "new").stdout.strip()
    monkeypatch.setenv("WATTLEDGER_KEYS", item)
    assert item.partition(":")[0] in run("keys", "list").stdout
    assert item.partition(":")[2] not in run("keys", "list").stdout


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "folder"])
def test_a_backup_with_a_foreign_member_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "hostile.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo(name)
        member.type = tarfile.DIRTYPE if name == "folder" else tarfile.REGTYPE
        tar.addfile(member, io.BytesIO())
    result = run("restore", archive, "--data", tmp_path / "new")
    assert result.exit_code == 1
    assert repr(name) in result.stderr
    assert not (tmp_path / "evil").exists()
