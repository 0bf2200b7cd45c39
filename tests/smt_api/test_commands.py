"""`wattledger smt` as a person runs it: real processes against the simulated vendor."""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.smt_api.conftest import ESIID
from wattledger.simulators.smart_meter_texas import SmtSimulator

FIELDS = ("statusCode", "tokenType", "expiresIn", "issuedAt", "expiresAt", "accessToken")


class Ran:
    """What one command did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Commands:
    """Runs `wattledger smt ...` with the settings of one simulated vendor."""

    def __init__(self, vendor: SmtSimulator, folder: Path) -> None:
        self.folder = folder
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.env = {**keep, **vendor.environment(folder / "keys"), "HOME": str(folder)}

    async def __call__(self, *arguments: str, stdin: str = "") -> Ran:
        code = "from wattledger.cli import main; main()"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, "smt", *arguments, "--data", str(self.folder)),
            env={**self.env, "PYTHONPATH": str(ROOT / "src")},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        return Ran(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def smt(vendor: SmtSimulator, tmp_path: Path) -> Commands:
    return Commands(vendor, tmp_path)


async def test_token_shows_the_answer_and_masks_the_token(smt: Commands, vendor: SmtSimulator) -> None:
    ran = await smt("token")
    token = next(iter(vendor.tokens))
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == list(FIELDS)
    assert "statusCode  200" in ran.out
    assert "expiresIn   3600" in ran.out
    assert token not in ran.out
    assert vendor.password not in ran.out + ran.err
    shown = await smt("token", "--show")
    assert any(word in shown.out for word in vendor.tokens)
    assert [call.path for call in vendor.calls] == ["/v2/token/", "/v2/token/"]


async def test_the_password_is_asked_for_where_none_is_set(smt: Commands, vendor: SmtSimulator) -> None:
    del smt.env["SMT_PASSWORD"]
    assert (await smt("token", stdin=f"{vendor.password}\n")).code == 0
    ran = await smt("token")
    assert ran.code == 78
    assert "SMT_PASSWORD" in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_a_refused_sign_in_is_one_clear_line(smt: Commands) -> None:
    smt.env["SMT_PASSWORD"] = "canary-wrong-password"
    ran = await smt("token")
    assert ran.code == 1
    assert ran.err == "wattledger: Smart Meter Texas refused SMT_USERNAME with this SMT_PASSWORD.\n"


async def test_a_vendor_that_is_closed_is_one_clear_line(smt: Commands, vendor: SmtSimulator) -> None:
    vendor.script.maintenance("/v2/token/")
    ran = await smt("subscriptions", "list")
    assert ran.code == 1
    assert "closed for now" in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_backfill_is_accepted_and_a_file_arrives(smt: Commands, vendor: SmtSimulator) -> None:
    first, last = (datetime.now(UTC) - timedelta(days=n) for n in (40, 39))
    ran = await smt("backfill", ESIID, "--start", f"{first:%Y-%m-%d}", "--end", f"{last:%Y-%m-%d}")
    assert ran.code == 0
    assert "Accepted, correlation id" in ran.err
    assert len(list(vendor.sftp.folder().iterdir())) == 1


REFUSALS = [
    (("backfill", "123", "--start", "2026-10-01", "--end", "2026-10-02"), "esiids"),
    (("backfill", ESIID, "--start", "2026-13-01", "--end", "2026-10-02"), "start"),
    (("daily-reads", ESIID, "--start", "2026-10-01", "--end", "2099-10-02"), "end"),
    (("report-status", "a b"), "correlation_id"),
    (("agreements", "new", ESIID, "--email", "x", "--meter", "1", "--puct", "1"), "email"),
    (("subscriptions", "new", "--history", "5"), "history_months"),
]


@pytest.mark.parametrize(("arguments", "field"), REFUSALS)
async def test_a_wrong_argument_is_named_and_nothing_is_asked(
    smt: Commands, vendor: SmtSimulator, arguments: tuple[str, ...], field: str
) -> None:
    ran = await smt(*arguments)
    assert ran.code == 1
    assert f"The field {field}" in ran.err
    assert vendor.calls == []


async def test_an_on_demand_reading_is_told_once_it_is_there(smt: Commands, vendor: SmtSimulator) -> None:
    await smt("read", ESIID)
    number = next(iter(vendor.pending_reads))
    pending, ready = await smt("read-status", number), await smt("read-status", number)
    assert pending.code == ready.code == 0
    assert "Not ready yet" in pending.err
    assert "register" not in pending.err
    assert "The register showed 23459.133 kWh" in ready.err


async def test_agreements_are_listed_with_their_state(smt: Commands, vendor: SmtSimulator) -> None:
    await smt("agreements", "new", ESIID, "--email", "a@b.example", "--meter", "M1", "--puct", "10052")
    vendor.agreements[0]["status"] = "Non Active - Terminated by CSP"
    ran = await smt("agreements", "list")
    number = vendor.agreements[0]["agreementNumber"]
    assert f"Agreement {number} is expired (Non Active - Terminated by CSP)." in ran.err


async def test_the_vendors_no_is_exit_code_1(smt: Commands) -> None:
    ran = await smt("meter-info", ESIID, "--delivery", "API")
    assert ran.code == 1
    assert "2076" in ran.err
    assert "--delivery FTP" in ran.err


COMMANDS = [
    *[
        (name,)
        for name in [
            "token",
            "backfill",
            "report-status",
            "daily-reads",
            "billing",
            "meter-info",
            "premise-info",
        ]
    ],
    *[("read",), ("read-status",)],
    *[("agreements", name) for name in ("list", "new", "esiids", "terminate")],
    *[("subscriptions", name) for name in ("list", "new", "end")],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: tuple[str, ...]) -> None:
    from typer.main import get_command
    from typer.testing import CliRunner

    from wattledger.cli.smt import app

    assert get_command(app)
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert re.search(rf"wattledger smt {' '.join(command)}\b", shown.output)


def test_the_source_names_no_other_way_to_sign_in() -> None:
    folder = ROOT / "src/wattledger"
    banned = re.compile(r"oauth/token|client_credentials|SMT_JWT_CLIENT|ftps", re.IGNORECASE)
    files = [*folder.glob("connectors/smart_meter_texas/*.py"), *folder.glob("cli/smt*.py")]
    assert files
    assert [path.name for path in files if banned.search(path.read_text())] == []
