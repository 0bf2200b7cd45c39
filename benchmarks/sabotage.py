"""The sabotage table: every mechanism that can be switched off, what it keeps, and the tests that noticed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from benchmarks import switches
from benchmarks.figures import machine
from benchmarks.pages import put
from benchmarks.switches import ROOT, Test
from wattledger.clock import SystemClock

PAGE, PART = "reliability.md", "sabotage"
HEAD = "| mechanism | what it keeps | noticed by |\n|---|---|---|"


def run(words: Sequence[str]) -> int:
    """Run every noticing test, write the table; 1 where a mechanism went unnoticed."""
    noticing, places = switches.noticing(), switches.switches()
    ids = sorted({test.id for tests in noticing.values() for test in tests})
    results = _results(ids, words)
    lines = [row(name, places[name], tests, results) for name, tests in noticing.items()]
    count = sum(noticed(tests, results) for tests in noticing.values())
    told = f"{count} of {len(noticing)} mechanisms were noticed when off, by {len(ids)} tests"
    head = f"{told}; {SystemClock().now().date()}, {machine()}."
    page = put(PAGE, f"{head}\n\n{HEAD}\n" + "\n".join(lines), PART)
    print(f"sabotage: {told}; written into {page.relative_to(ROOT)}")
    return int(count < len(noticing))


def noticed(tests: Sequence[Test], results: dict[str, str]) -> bool:
    """Whether at least one test ran and noticed, and none failed to."""
    said = {results.get(test.id, "not run") for test in tests}
    return "passed" in said and said <= {"passed", "skipped"}


def row(name: str, place: str, tests: Sequence[Test], results: dict[str, str]) -> str:
    """The table's row of one mechanism."""
    cells = []
    for test in tests:
        result = results.get(test.id, "not run")
        cells.append(f"`{test.id}`" + ("" if result == "passed" else f" (NOT: {result})"))
    keeps = tests[0].keeps if tests else ""
    return f"| {name} (`{place}`) | {keeps.replace('|', '/')} | {', '.join(cells) or 'NOBODY'} |"


def _results(ids: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """pytest's word on each test; the worst one where it has parameters."""
    with TemporaryDirectory(prefix="wattledger-sabotage-") as folder:
        report = Path(folder) / "report.xml"
        call = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *ids, *words]
        subprocess.run(call, cwd=ROOT, check=False)
        return _read(report)


def _read(report: Path) -> dict[str, str]:
    order = ["skipped", "passed", "failure", "error"]
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        path = case.get("classname", "").replace(".", "/")
        id = f"{path}.py::{case.get('name', '').partition('[')[0]}"
        said = next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")
        found[id] = max(found.get(id, "skipped"), said, key=order.index)
    return found
