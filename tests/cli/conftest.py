"""The command line in this process, with an environment of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner, Result

from wattledger.cli import app
from wattledger.cli.runtime import Runtime, opened
from wattledger.config import Settings
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv

T = TypeVar("T")
HOME = Home()
FIRST = date(2025, 3, 1)
DAYS = 12
"""around the spring day of 92 quarter-hours"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No variable of ours is set, and home is empty. Returns the data folder."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(field.alias or "", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WATTLEDGER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(environ: Path) -> Callable[..., Result]:
    """`run("db", "digest")`: the command's result; exceptions that are no exit are raised."""
    runner = CliRunner()

    def call(*words: object, **options: Any) -> Result:
        result = runner.invoke(app, [str(word) for word in words], **options)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A portal file of DAYS days."""
    path = tmp_path / "IntervalData.csv"
    path.write_bytes(interval_csv(HOME, HOME.days(FIRST, DAYS)))
    return path


def wh() -> int:
    """What `csv` holds, counted from the simulated home itself."""
    return sum(int(values.sum()) for day in HOME.days(FIRST, DAYS) for values in day.first.values())


def inside(work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Do something with the installation that the commands work on."""

    async def go() -> T:
        async with opened(None) as runtime:
            return await work(runtime)

    return asyncio.run(go())


def child(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "wattledger", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
