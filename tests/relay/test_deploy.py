"""The units and the installer: systemd accepts them, they are hardened, installing twice changes nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from wattledger.config import Settings

DEPLOY = ROOT / "deploy"
SERVICES = sorted(DEPLOY.glob("*.service"))
UNITS = [*SERVICES, *DEPLOY.glob("*.timer")]
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here"
)


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/opt/wattledger/bin/wattledger", "/bin/true")
        (tmp_path / unit.name).write_text(re.sub(r"(User|Group)=\w+", r"\1=root", text))
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / u.name) for u in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in found.stderr.splitlines() if str(tmp_path) in line]
    assert ours == [] and found.returncode == 0, found.stderr


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_services_are_hardened(unit: Path) -> None:
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    score = re.search(r"exposure level.*: ([\d.]+)", found.stdout)
    assert score and float(score[1]) <= 3.0, found.stdout + found.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_services_carry_no_secret_and_restart_for_ever(unit: Path) -> None:
    text = unit.read_text()
    assert "EnvironmentFile" not in text and not re.search(r"Environment=.*(SECRET|TOKEN|PASSWORD)", text)
    assert "Restart=always" in text or "Type=oneshot" in text
    assert "Restart=" not in text or "Type=oneshot" not in text
    assert "TimeoutStopSec=20" in text and "MemoryMax=" in text and "LoadCredential=" in text


@pytest.mark.parametrize("name", ["wattledger-hub.service", "wattledger-worker.service"])
def test_every_secret_of_a_hub_can_be_a_credential(name: str) -> None:
    text, relay = (DEPLOY / name).read_text(), ("SMT_", "DROPLET_WEBHOOK_SECRET_NEXT")
    kinds = {f.alias: str(f.annotation) for f in Settings.model_fields.values() if f.alias}
    secrets = [a for a, kind in kinds.items() if "SecretStr" in kind and not a.startswith(relay)]
    assert [alias for alias in secrets if f"LoadCredential={alias}\n" not in text] == []


def test_the_timer_comes_every_thirty_minutes() -> None:
    assert "OnUnitActiveSec=30min" in (DEPLOY / "smt-ingest.timer").read_text()


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_the_installer_is_plain_sh(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    subprocess.run([shell, "-n", str(DEPLOY / "install.sh")], check=True)


@pytest.mark.parametrize(("role", "count"), [("relay", 3), ("hub", 1), ("worker", 1)])
def test_installing_twice_is_installing_once(tmp_path: Path, role: str, count: int) -> None:
    def install() -> dict[str, bytes]:
        subprocess.run(
            ["sh", str(DEPLOY / "install.sh"), role],
            env={"DESTDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True, capture_output=True,
        )  # fmt: skip
        return {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    first = install()
    assert install() == first
    assert len([name for name in first if name.startswith("etc/systemd/system/")]) == count


def test_the_token_test_is_two_lines(tmp_path: Path) -> None:
    subprocess.run(
        ["sh", str(DEPLOY / "install.sh"), "relay"],
        env={"DESTDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True, capture_output=True,
    )  # fmt: skip
    script = tmp_path / "home/deploy/smt_token_test.sh"
    assert script.read_text() == '#!/bin/sh\nexec /opt/wattledger/bin/wattledger smt token "$@"\n'
    assert (tmp_path / "home/deploy/smt_inbox").stat().st_mode & 0o777 == 0o700


def test_without_a_role_it_says_what_to_say() -> None:
    found = subprocess.run(["sh", str(DEPLOY / "install.sh")], capture_output=True, text=True, check=False)
    assert found.returncode == 1 and "relay, hub or worker" in found.stderr
