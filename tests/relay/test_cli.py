"""`wattledger relay ...` as a person uses it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from tests.relay.world import World, csv
from wattledger.cli import app

RUNNER = CliRunner()


def environment(world: World) -> dict[str, str]:
    s = world.settings()
    found: dict[str, Any] = {
        "SMT_SFTP_HOST": s.smt_sftp_host,
        "SMT_SFTP_PORT": s.smt_sftp_port,
        "SMT_SFTP_USER": s.smt_sftp_user,
        "SMT_SFTP_KEY_PATH": s.smt_sftp_key_path,
        "SMT_SFTP_KNOWN_HOSTS": s.smt_sftp_known_hosts,
        "SMT_SFTP_SETTLE_SECONDS": 0,
        "SMT_PGP_KEY_PATH": s.smt_pgp_key_path,
        "INTELLIWATT_BASE_URL": world.hub.url,
        "INTELLIWATT_WEBHOOK_SECRET": "a-webhook-secret-of-tests",
        "ADMIN_TOKEN": "an-admin-token-of-tests",
    }
    return {name: str(value) for name, value in found.items()}


async def command(world: World, *words: str, **environ: str) -> Any:
    """Runs a command in a thread, so that drop and hub can answer."""
    arguments = ["relay", *words, "--data", str(world.root)]
    env = environment(world) | environ
    return await asyncio.to_thread(RUNNER.invoke, app, arguments, env=env)


async def test_run_once_prints_its_line_and_tells_by_its_exit_code(world: World) -> None:
    world.put("a.asc", csv(1))
    done = await command(world, "run-once")
    assert done.exit_code == 0 and orjson.loads(done.stdout)["sent"] == 1
    world.drop.put("b.asc", world.pair.encrypt(csv(2), armor=False)[:-30])
    assert (await command(world, "run-once")).exit_code == 1
    world.drop.faults.refuse_login = True
    assert (await command(world, "run-once")).exit_code == 2


async def test_spool_lists_and_requeue_sends_round(world: World) -> None:
    world.put("cut\x1b[31m.asc", csv(1))
    world.drop.put("plain.csv", b"")
    await command(world, "run-once")
    listed = (await command(world, "spool")).stdout
    assert "set aside" in listed and "empty" in listed
    as_json = (await command(world, "spool", "--json")).stdout
    assert orjson.loads(as_json.splitlines()[0])["code"] == "empty"
    again = await command(world, "requeue", "plain.csv")
    assert again.exit_code == 0 and "1 files" in again.stdout
    assert (await command(world, "requeue", "nothing")).exit_code == 1


async def test_pin_shows_asks_and_writes(world: World) -> None:
    path = world.root / "new_hosts"
    told = await command(world, "pin", SMT_SFTP_KNOWN_HOSTS=str(path))
    assert told.exit_code == 1 and "SHA256:" in told.stdout and not path.exists()
    told = await command(world, "pin", "--yes", SMT_SFTP_KNOWN_HOSTS=str(path))
    assert told.exit_code == 0 and path.read_text() == world.drop.known_hosts_line
    assert "already" in (await command(world, "pin", "--yes", SMT_SFTP_KNOWN_HOSTS=str(path))).stdout


@pytest.mark.parametrize("words", [[], ["run-once"], ["pin"], ["requeue"], ["spool"]])
def test_every_help_shows_an_example(words: list[str]) -> None:
    shown = RUNNER.invoke(app, ["relay", *words, "--help"])
    assert shown.exit_code == 0 and "Example:" in shown.stdout


def test_a_wrong_setting_is_one_line_and_exit_78(tmp_path: Path) -> None:
    found = RUNNER.invoke(app, ["relay", "run-once", "--data", str(tmp_path)], env={"ADMIN_TOKEN": "short"})
    assert found.exit_code == 78 and "ADMIN_TOKEN" in found.stderr and "short" not in found.stderr.split()
