"""Fault points do nothing until armed, and switches end with their block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from wattledger import faults


def test_a_point_is_silent_until_armed() -> None:
    faults.fault("nowhere")
    seen: list[int] = []
    faults.arm("here", lambda: seen.append(1))
    faults.fault("here")
    faults.disarm()
    faults.fault("here")
    assert seen == [1]


def test_a_switch_ends_with_its_block() -> None:
    with pytest.raises(RuntimeError), faults.sabotage("brakes"):
        assert faults.sabotaged("brakes")
        raise RuntimeError
    assert not faults.sabotaged("brakes")


def test_the_environment_kills_at_the_named_passing() -> None:
    code = "from wattledger.faults import fault\nfor i in range(5): print(i, flush=True); fault('x')"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WATTLEDGER_FAULTS": "kill:x=3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert run.stdout.split() == ["0", "1", "2"]
