"""`./dev soak`: runs every test marked `soak` and writes what came of it into docs/reliability.md."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from benchmarks.figures import machine
from benchmarks.pages import put
from wattledger.clock import SystemClock

ROOT = Path(__file__).resolve().parent.parent
NO_TESTS = 5


def main() -> int:
    """Run, write, and pass the suite's exit code on."""
    with TemporaryDirectory(prefix="wattledger-soak-") as folder:
        report = Path(folder) / "report.xml"
        words = ["-m", "pytest", "-q", "-m", "soak", f"--junitxml={report}", *sys.argv[1:]]
        code = subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode
        if code == NO_TESTS:
            return code
        rows = list(_rows(report))
    head = "| harness | result | seconds | counted |\n|---|---|---|---|"
    day = SystemClock().now().date()
    said = f"`./dev soak {' '.join(sys.argv[1:])}`".replace(" `", "`")
    page = put("reliability.md", f"{said}, {day}, {machine()}.\n\n{head}\n" + "\n".join(rows))
    print(f"soak: {len(rows)} harnesses; written into {page.relative_to(ROOT)}")
    return code


def _rows(report: Path) -> Iterator[str]:
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.')} {case.get('name', '')}".replace("_", " ")
        failed = [tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None]
        counted = ", ".join(f"{p.get('name')} {p.get('value')}" for p in case.iter("property"))
        outcome = failed[0] if failed else "passed"
        yield f"| {name.replace('|', '/')} | {outcome} | {float(case.get('time', 0)):.0f} | {counted} |"


if __name__ == "__main__":
    sys.exit(main())
