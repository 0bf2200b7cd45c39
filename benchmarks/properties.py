"""`./dev soak --only properties`: every property with many more examples than else, drawn anew."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import machine
from benchmarks.goals import summary
from benchmarks.pages import put
from wattledger.clock import SystemClock

ROOT = Path(__file__).resolve().parent.parent
PAGE, PART, TIMES = "reliability.md", "properties", 20
QUICK = "not soak and not again"


def run(words: Sequence[str]) -> int:
    """Draw, write what came of it, and pass the suite's exit code on; `words` go to pytest."""
    with TemporaryDirectory(prefix="wattledger-properties-") as folder:
        report = Path(folder) / "report.xml"
        call = [sys.executable, "-m", "pytest", "-q", "-m", QUICK, f"--examples={TIMES}"]
        call += [f"--junitxml={report}", *words]
        code = subprocess.run(call, cwd=ROOT, check=False).returncode
        told = summary(report, str(SystemClock().now().date()))
    put(PAGE, f"On {machine()}: {TIMES} times the examples; properties {told}.", PART)
    return code
