"""`./dev soak`: runs tests marked `soak` and writes what came of each into docs/reliability.md.

    ./dev soak                      all of them
    ./dev soak --only smartthings   those below tests/smartthings; the rows of the others stay
    ./dev soak --only sabotage      every mechanism switched off, and which test notices
    ./dev soak --only mutants       mistakes put into merge, tokens, sign-in, vault: how many are noticed
    ./dev soak --only properties    every property with 20 times the examples, drawn anew
    ./dev soak --only goals         the harness of every goal, quick and long tests; --goal G3: of one
    ./dev soak --minutes 5          how long those that count by time may take, each

What else is given goes to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from benchmarks import goals, mutants, properties, sabotage
from benchmarks.figures import machine
from benchmarks.pages import put, read
from wattledger.clock import SystemClock

ROOT = Path(__file__).resolve().parent.parent
PAGE = "reliability.md"
HEAD = "| harness | result | seconds | counted | run |\n|---|---|---|---|---|"
NO_TESTS = 5


def main() -> int:
    """Run, write, and pass the suite's exit code on."""
    parser = argparse.ArgumentParser(prog="./dev soak", description="The long harness.")
    parser.add_argument(
        "--only", action="append", default=[], help="a folder or file below tests, or sabotage"
    )
    parser.add_argument("--minutes", type=float, default=10, help="for each harness that counts by time")
    parser.add_argument("--goal", action="append", default=[], choices=goals.GOALS, help="a goal alone")
    chosen, rest = parser.parse_known_args()
    os.environ["WATTLEDGER_SOAK_MINUTES"] = str(chosen.minutes)
    if chosen.only == ["sabotage"]:
        return sabotage.run(rest)
    if chosen.only == ["mutants"]:
        return mutants.run(rest)
    if chosen.only == ["properties"]:
        return properties.run(rest)
    if chosen.only == ["goals"] or chosen.goal:
        return goals.run(chosen.goal, rest)
    with TemporaryDirectory(prefix="wattledger-soak-") as folder:
        report = Path(folder) / "report.xml"
        words = ["-m", "pytest", "-q", "-m", "soak", f"--junitxml={report}"]
        words += [*(f"tests/{part}" for part in chosen.only), *rest]
        code = subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode
        if code == NO_TESTS:
            return code
        found = dict(rows(report, str(SystemClock().now().date())))
    partial = bool(chosen.only or rest)
    kept = merged(read(PAGE), found) if partial else found
    page = put(PAGE, f"On {machine()}.\n\n{HEAD}\n" + "\n".join(kept.values()))
    print(f"soak: {len(found)} harnesses; written into {page.relative_to(ROOT)}")
    return code


def merged(page: str, found: dict[str, str]) -> dict[str, str]:
    """The rows of an earlier run, each replaced where it ran again, and the new ones; by name, sorted."""
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| harness")]
    before = {line.split("|")[1].strip(): line for line in lines}
    return dict(sorted({**before, **found}.items()))


def rows(report: Path, day: str) -> Iterator[tuple[str, str]]:
    """(name, table row) of each harness in pytest's report."""
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.')} {case.get('name', '')}"
        name = name.replace("_", " ").replace("|", "/").replace(".test ", ": ").replace(" test ", ": ", 1)
        failed = [tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None]
        told = ", ".join(f"{p.get('name')} {p.get('value')}" for p in case.iter("property"))
        took, outcome = f"{float(case.get('time', 0)):.0f}", failed[0] if failed else "passed"
        yield name, f"| {name} | {outcome} | {took} | {told.replace('_', ' ')} | {day} |"


if __name__ == "__main__":
    sys.exit(main())
