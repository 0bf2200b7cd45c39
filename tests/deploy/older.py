"""An installation of an earlier schema: its code out of this repository's history, and its settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.processes import ADMIN, SECRET
from tests.paths import ROOT

FOLLOWED_BY = {"0001": "v0002_registers.py", "0002": "v0003_vehicles.py"}
VERSIONS = "src/wattledger/store/migrations/versions"


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no history of this repository is at hand: {done.stderr.strip()[:200]}")
    return done.stdout.strip()


@contextmanager
def older_code(version: str, folder: Path) -> Iterator[Path]:
    """The last code of a schema, in a folder of its own; skips without the history."""
    later = git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{FOLLOWED_BY[version]}")
    if not later:
        pytest.skip("the history of this repository does not reach back so far")
    git("worktree", "add", "--detach", str(folder / "older"), f"{later.splitlines()[-1]}^")
    try:
        yield folder / "older"
    finally:
        git("worktree", "remove", "--force", str(folder / "older"))


def environment(folder: Path, url: str) -> dict[str, str]:
    """The variables of an installation in `folder`."""
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "WATTLEDGER_DATA": str(folder / "data"),
        "DATABASE_URL": url,
        "ADMIN_TOKEN": ADMIN,
        "INTELLIWATT_WEBHOOK_SECRET": SECRET,
    }


def run(*words: object, env: dict[str, str]) -> str:
    """What a command of ours says."""
    call = [sys.executable, "-m", "wattledger", *map(str, words)]
    done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
