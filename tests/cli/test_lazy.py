"""The root command: quick, complete, and with the promised exit codes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import Result

from tests.cli.conftest import child
from wattledger.cli.lazy import COMMANDS, exit_code
from wattledger.errors import BadPayload, Misconfigured, TryLater

HEAVY = ("numpy", "fastapi", "sqlalchemy", "pydantic", "rich", "pyarrow", "asyncssh", "uvicorn", "httpx2")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom wattledger.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded []" in done.stdout


def test_help_is_quick() -> None:
    """About a tenth of a second alone; the bound leaves room for a busy machine."""
    took = []
    for _ in range(3):
        before = time.perf_counter()
        assert child("--help").returncode == 0
        took.append(time.perf_counter() - before)
    assert statistics.median(took) < 0.8


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_its_line_agrees_with_its_help(name: str) -> None:
    command = get_command(import_module(f"wattledger.cli.{name}").app)
    words = (command.help or "").split()
    assert len(words) > 5, "help says what the command does"
    assert len(COMMANDS[name]) < 75


def test_an_unknown_command_is_a_usage_error(run: Callable[..., Result]) -> None:
    assert run("nonsense").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"), [(Misconfigured("x"), 78), (TryLater("x"), 1), (BadPayload("x"), 1)]
)
def test_exit_codes(error: Misconfigured | TryLater | BadPayload, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_one_line_without_a_trace(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "DATABASE_URL": "mysql://x"}
    done = child("db", "digest", "--data", tmp_path / "d", env=environ)
    assert done.returncode == 78
    assert done.stderr.startswith("wattledger: DATABASE_URL ")
    assert done.stderr.count("\n") == 1


def test_a_data_folder_that_cannot_be_made_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("db", "digest", "--data", tmp_path / "file" / "below")
    assert result.exit_code == 78
    assert "WATTLEDGER_DATA" in result.stderr
