"""The image's own steps, run in a clean Debian root; then the hub in it, its root mounted read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.image import Builder, Stage, inside, steps, words_of
from tests.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
MOST_MIB = 450
SEALED = """
m=/bin/mount
$m --bind "$root" "$root" && $m -o remount,bind,ro "$root" && $m --bind /dev "$root/dev"
$m -t tmpfs -o mode=0700,uid={uid},gid={uid} tmpfs "$root/data"
$m -t tmpfs -o mode=1777 tmpfs "$root/tmp" """
"""a read-only root but for /data and /tmp"""


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("debootstrap as root makes the clean root; it is not here")
    release = steps(DOCKERFILE)[0].rest.split()[0].partition(":")[2].removesuffix("-slim")
    root = tmp_path_factory.mktemp("debian") / "root"
    words: list[str | Path] = ["debootstrap", "--variant=minbase", release, root]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no Debian mirror can be reached: {made.stdout[-200:]}")
    return root


@pytest.mark.soak
def test_the_steps_of_the_image(
    debian: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    builder = Builder(debian, ROOT, tmp_path)
    stage = builder.build(DOCKERFILE)
    user = stage.last["USER"]
    assert builder.run(stage, ["id", "-un"], user=user).stdout == "wattledger\n"
    assert "serve" in builder.run(stage, [*words_of(stage, "ENTRYPOINT"), "--help"], user=user).stdout
    assert _own_files(stage, user) == []
    missing = builder.run(stage, ["sh", "-c", "command -v pip gcc git || true"], user=user).stdout
    assert missing == ""
    _serves(builder, stage, user)
    ours = _mib(stage.root / "opt/wattledger")
    record_property("MiB_of_ours", ours)
    record_property("MiB_above_Debian", _mib(stage.root) - _mib(debian))
    assert ours < MOST_MIB


def _own_files(stage: Stage, user: str) -> list[str]:
    """What its user could change, apart from the volumes."""
    words: list[str | Path] = [
        "find",
        stage.root,
        "-xdev",
        "(",
        "-uid",
        user.partition(":")[0],
        "-o",
        "-perm",
        "-o+w",
        ")",
    ]
    words += ["-not", "-type", "l", "-not", "-perm", "-1000", "-print"]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")
    places = [f"/{Path(path).relative_to(stage.root)}" for path in found if path]
    return [place for place in places if not place.startswith(("/data", "/objects", "/dev"))]


def _serves(builder: Builder, stage: Stage, user: str) -> None:
    """`serve` on a root mounted read-only; the health check of the image says when it answers."""
    words = [*words_of(stage, "ENTRYPOINT"), *words_of(stage, "CMD")]
    call = inside(stage.root, user, SEALED.format(uid=user.partition(":")[0]), words)
    hub = subprocess.Popen(call, env=stage.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        check: list[str | Path] = ["/usr/bin/nsenter", "--mount", f"--target={hub.pid}", "/usr/sbin/chroot"]
        check += [f"--userspec={user}", stage.root, *words_of(stage, "HEALTHCHECK")]
        assert _healthy(check, stage.environ), hub.communicate(timeout=1)
        hub.send_signal(15)
        assert hub.wait(20) == 0
    finally:
        hub.kill()
        hub.wait()


def _healthy(check: list[str | Path], environ: dict[str, str]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if subprocess.run(check, env=environ, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.5)
    return False


def _mib(root: Path) -> int:
    told = subprocess.run(["du", "-sxm", root], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0])
