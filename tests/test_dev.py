"""`dev`, `.ci/run` and the lock file: what can be checked of them without installing anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.paths import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==\S+(?: ; [^\\]+)? \\$", re.M)


def call(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("shell", "script"), [("sh", "dev"), ("bash", ".ci/run")])
def test_the_scripts_are_executable_and_parse(shell: str, script: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    assert os.access(ROOT / script, os.X_OK)
    assert call(shell, "-n", str(ROOT / script)).returncode == 0


def test_help_names_every_command_and_needs_no_environment(tmp_path: Path) -> None:
    text = call(str(ROOT / "dev"), "help", cwd=tmp_path).stdout
    for name in ("setup", "demo", "test", "check", "bench", "soak", "screenshots", "docs", "lock", "run"):
        assert re.search(rf"^  {name}\b", text, re.M)


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    done = call(str(ROOT / "dev"), "nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[>=<~!; ]", item)[0].lower().replace("_", "-") for item in wanted}
    assert names - set(PINNED.findall(LOCK)) == set(), "run ./dev lock"


def test_every_package_of_the_lock_has_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK


def test_the_editable_install_needs_no_network() -> None:
    """The build backend and what it needs are locked too."""
    assert {"hatchling", "editables", "uv"} <= set(PINNED.findall(LOCK))
