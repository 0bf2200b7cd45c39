"""`wattledger ingest`: the exact sum, what was said before, what is refused and why."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.conftest import DAYS, FIRST, HOME, wh
from wattledger.cli import ingest_table
from wattledger.cli.ingest_outcome import Outcome
from wattledger.model import Rejected
from wattledger.simulators.home import Home
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.smt_files import interval_csv
from wattledger.store.rows import Delivered, Summary
from wattledger.units import kwh_text

Run = Callable[..., Result]


def record_all(result: Result) -> list[dict[str, Any]]:
    """Every file of a --json answer."""
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


def record(result: Result) -> dict[str, Any]:
    """The only file of a --json answer."""
    (found,) = record_all(result)
    return found


def test_the_table_has_the_exact_sum(run: Run, csv: Path) -> None:
    result = run("ingest", csv)
    assert result.exit_code == 0
    assert kwh_text(wh()) in result.stdout
    for word in ("rows", "accepted", "superseded", "blank", "rejected", "days", "gaps", "kWh"):
        assert word in result.stdout


def test_rows_are_accounted_for(run: Run, csv: Path) -> None:
    found = record(run("ingest", csv, "--json"))
    rows = csv.read_text().count("\n") - 1
    assert found["rows"] == rows == DAYS * 96
    assert found["accepted"] + found["superseded"] + found["blank"] + found["rejected"] == rows
    assert (found["blank"], found["rejected"], found["days"], found["gaps"]) == (4, 0, DAYS, 0)
    assert found["kwh"] == {"delivered": wh() / 1000}


def test_the_same_file_again_is_a_duplicate_and_changes_nothing(run: Run, csv: Path) -> None:
    run("ingest", csv)
    before = run("db", "digest").stdout
    again = run("ingest", csv)
    assert again.exit_code == 0
    assert "duplicate" in again.stdout
    assert run("db", "digest").stdout == before


def test_a_rejected_row_is_named_with_line_and_reason(run: Run, csv: Path) -> None:
    lines = csv.read_text().splitlines()
    lines[6] = lines[6].replace(lines[6].split(",")[5], "NaN", 1)
    csv.write_text("\n".join(lines))
    result = run("ingest", csv)
    assert result.exit_code == 0
    assert "line 7" in result.stdout
    assert record(run("ingest", csv, "--json"))["rejected"] == 1


def test_a_file_that_cannot_be_read_stops_no_other(run: Run, csv: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    result = run("ingest", tmp_path / "absent.csv", empty, csv)
    assert result.exit_code == 1
    assert "absent.csv" in result.stdout
    assert "empty.csv" in result.stdout
    assert kwh_text(wh()) in result.stdout


def test_a_zip_is_read(run: Run, csv: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(csv, "anything.dat")
    assert record(run("ingest", packed, "--json"))["kwh"] == {"delivered": wh() / 1000}


@pytest.mark.parametrize("armor", [True, False])
def test_pgp_is_opened_with_the_configured_key(
    run: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, armor: bool
) -> None:
    pair = PgpPair.make()
    secret = tmp_path / "key.asc"
    pair.write_secret(secret)
    encrypted = tmp_path / "data.CSV.asc"
    encrypted.write_bytes(pair.encrypt(csv.read_bytes(), armor))
    refused = run("ingest", encrypted)
    assert refused.exit_code == 1
    assert "SMT_PGP_KEY_PATH" in refused.stdout
    monkeypatch.setenv("SMT_PGP_KEY_PATH", str(secret))
    assert record(run("ingest", encrypted, "--json"))["kwh"] == {"delivered": wh() / 1000}


def test_a_file_that_is_no_interval_data_is_kept(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "billing.csv"
    other.write_text("ESIID,Billing Start,Billing End,kWh\n'10443720000000001,01/01/2025,02/01/2025,800\n")
    result = run("ingest", other)
    assert result.exit_code == 0
    assert record(run("ingest", other, "--json"))["kind"] != "interval"


def test_the_meter_can_be_named(run: Run, csv: Path) -> None:
    assert run("ingest", "--esiid", HOME.esiid, csv).exit_code == 0


def test_two_files_get_a_sum(run: Run, csv: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    again.write_bytes(csv.read_bytes().replace(b"\n", b"\r\n"))
    result = run("ingest", csv, again)
    assert "all files" in result.stdout
    assert kwh_text(2 * wh()) in result.stdout


def test_a_narrow_terminal_cuts_no_number(run: Run, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_table, "PLAIN_WIDTH", 80)
    text = run("ingest", csv).stdout
    assert "…" not in text
    assert f"rows {DAYS * 96} = accepted {DAYS * 96 - 4} + superseded 0 + blank 4 + rejected 0" in text
    assert f"delivered {kwh_text(wh())} kWh" in text


def test_flows_are_never_added(run: Run, tmp_path: Path) -> None:
    solar = Home("10443720000000002", solar=True)
    for n, day in enumerate(solar.days(FIRST, 2)):
        (tmp_path / f"{n}.csv").write_bytes(interval_csv(solar, [day]))
    files = record_all(run("ingest", tmp_path / "0.csv", tmp_path / "1.csv", "--json"))
    sent = sum(round(found["kwh"]["received"] * 1000) for found in files)
    assert f"received {kwh_text(sent)}" in run("ingest", tmp_path / "0.csv", tmp_path / "1.csv").stdout


def test_a_refusal_that_concerns_no_line_names_none() -> None:
    refused = Summary(rejections=[Rejected(0, "1044 is not held by this site.", 96)])
    receipt = Delivered(1, "0" * 64, 9, False, "read", "interval", refused)
    assert ingest_table.remarks(Outcome(Path("n.csv"), receipt)) == [
        "n.csv: 1044 is not held by this site. (96 rows)"
    ]
