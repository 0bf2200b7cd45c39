"""The arithmetic of `./dev bench --only scaling`; what it measures needs minutes and a quiet machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from benchmarks import cpu, scaling

BUSY = "import time; end = time.process_time() + {0}\nwhile time.process_time() < end: pass"


def test_a_further_hub_has_a_goal_only_while_cores_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    two, three = scaling._gains({1: [(100.0, 1.2)], 2: [(150.0, 1.95)], 3: [(151.0, 1.97)]})
    assert (two.value, two.met) == (1.5, True)
    assert (three.goal, three.met) == ("", None)
    slower, _ = scaling._gains({1: [(100.0, 1.2)], 2: [(90.0, 1.3)], 3: [(1.0, 1.0)]})
    assert slower.met is False


def test_a_familys_processor_time_has_its_ended_children_too() -> None:
    before = cpu.family(os.getpid())
    subprocess.run([sys.executable, "-c", BUSY.format(0.3)], check=True)
    assert cpu.family(os.getpid()) - before > 0.25
    assert cpu.family(2**22 + 1) == 0


def test_a_request_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_TOKEN", "INTELLIWATT_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, f"the {name}")
    head, _, body = scaling._request(7).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"x-admin-token: the ADMIN_TOKEN" in head
    assert set(json.loads(body)) == {"filename", "encoding", "content_b64"}
