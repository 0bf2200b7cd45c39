"""The same commands on SQLite and PostgreSQL give the same ledger, word for word."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.conftest import DAYS, inside, wh
from tests.cli.test_serve import running
from wattledger.cli.runtime import Runtime
from wattledger.config import database_url, load_settings

Run = Callable[..., Result]
DIGEST_OF_THE_FILE: dict[str, str] = {}
"""engine -> digest, filled by the runs of one session"""


def test_ingest_replay_and_digest(
    run: Run, csv: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    found = json.loads(run("ingest", csv, "--json").stdout)[0]
    assert (found["days"], found["kwh"]) == (DAYS, {"delivered": wh() / 1000})
    digest = run("db", "digest").stdout.strip()
    assert run("replay").stdout.count(digest) == 2
    assert run("db", "scrub").exit_code == 0
    DIGEST_OF_THE_FILE[database_url.partition(":")[0]] = digest
    assert len(set(DIGEST_OF_THE_FILE.values())) == 1


@pytest.mark.postgres
def test_a_backup_of_postgres_restores_to_the_same_digest(
    run: Run,
    csv: Path,
    tmp_path: Path,
    postgres_url: str,
    empty_postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    run("ingest", csv)
    digest, archive = run("db", "digest").stdout.strip(), tmp_path / "home.tar"
    assert run("backup", archive).exit_code == 0
    assert run("restore", archive).exit_code == 1
    monkeypatch.setenv("DATABASE_URL", empty_postgres_url)
    assert run("db", "ping").exit_code == 1
    assert digest in run("restore", archive).stdout
    assert run("db", "ping").exit_code == run("db", "scrub").exit_code == 0
    assert run("ingest", csv, "--json").stdout.count('"duplicate": true') == 1


@pytest.mark.postgres
def test_a_worker_reads_what_a_dead_process_left(
    run: Run, csv: Path, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    run("ingest", csv)

    async def orphan(runtime: Runtime) -> None:
        """As a process leaves it that died between the two transactions: stored, its lease run out."""
        async with runtime.store.begin() as database:
            await database.exec_driver_sql("DELETE FROM energy_day")
            await database.exec_driver_sql(
                "UPDATE payload SET state = 'stored', lease = NULL, leased_until = NULL"
            )

    async def states(runtime: Runtime) -> list[str]:
        return [row.state for row in await runtime.store.payloads.list(None, limit=10)]

    inside(orphan)
    data = load_settings(None)
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "DATABASE_URL": database_url(data)}
    with running("work", "--data", data.data, env=env) as worker:
        worker.line("read waiting payloads")
        assert worker.stop(signal.SIGTERM) == 0
    assert inside(states) == ["read"]


def test_poll_without_a_vendor_to_ask_says_so(run: Run) -> None:
    assert run("poll").stdout == "0 connection(s) asked.\n"


def test_poll_names_a_relay_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPLET_WEBHOOK_URL", "http://127.0.0.1:9/trigger/smt-now")
    result = run("poll")
    assert result.exit_code == 1
    assert "DROPLET_WEBHOOK_URL" in result.stderr
