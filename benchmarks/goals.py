"""`./dev soak --only goals [--goal G3 ...]`: each goal with its harness, run, and what came of it in a table.

The harness of a goal is all tests of its files, the quick ones and the long ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from benchmarks.figures import machine
from benchmarks.pages import put, read
from wattledger.clock import SystemClock

ROOT = Path(__file__).resolve().parent.parent
PAGE, PART = "reliability.md", "goals"
HEAD = "| goal | harness | last result |\n|---|---|---|"
GOALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "G1": (
        "kills at random and at every call on a file",
        (
            "relay/test_kill.py",
            "relay/test_syscalls.py",
            "store/test_crash.py",
            "store/test_syscalls.py",
            "store/test_kills.py",
        ),
    ),
    "G2": ("power cuts", ("deploy/test_power_cut.py", "relay/test_power_cut.py")),
    "G3": ("a million shuffled histories", ("merge", "store/test_histories.py")),
    "G4": (
        "API and parser fuzzing",
        (
            "web/test_fuzz.py",
            "web/test_grammar.py",
            "connectors/test_contract.py",
            "connectors/test_mutations.py",
            "relay/test_pgp_mutations.py",
        ),
    ),
    "G5": (
        "refreshes",
        (
            "smartthings/test_rotation.py",
            "smartthings/test_refresh_crash.py",
            "smartcar/test_rotation.py",
            "collect/test_boot_retry.py",
        ),
    ),
    "G6": (
        "recovery",
        ("store/test_outage.py", "relay/test_recovery.py", "load/test_recovery_times.py"),
    ),
    "G7": ("load with kills and cuts", ("load/test_load.py", "load/test_hub_faults.py")),
    "G8": ("full disks", ("store/test_full_disk.py", "store/test_full_database.py")),
    "G9": ("tenants apart", ("web/test_matrix.py", "web/test_tenancy.py", "web/test_leaks.py")),
    "G10": ("canaries of secrets", ("test_canaries.py",)),
    "G11": ("timing of secrets", ("web/test_timing.py",)),
    "G12": ("bombs", ("bombs", "connectors/test_unwrap.py", "relay/test_pgp.py", "smt_api/test_http.py")),
    "G13": ("freshness over simulated months", ("insight/test_alerts.py", "insight/test_freshness.py")),
    "G14": (
        "accounting of every row and watt-hour",
        ("connectors/test_smt_dst.py", "accounting", "store/test_accounting.py"),
    ),
    "G15": ("mechanisms switched off", ("test_sabotage_table.py",)),
    "G16": (
        "restore drill",
        (
            "deploy/test_restore_drill.py",
            "deploy/test_lost_hub.py",
            "deploy/test_pitr.py",
            "store/test_backup.py",
        ),
    ),
    "G17": (
        "upgrade of the previous versions under load",
        (
            "store/test_upgrade.py",
            "store/test_migration_locks.py",
            "deploy/test_upgrade_live.py",
            "deploy/test_upgrade_load.py",
        ),
    ),
    "G18": ("the whole road under chaos", ("chaos",)),
}


def run(chosen: Sequence[str], words: Sequence[str]) -> int:
    """Run the chosen goals' harnesses (all, where none is chosen); write their rows. 1 where one failed."""
    codes = []
    for name in chosen or GOALS:
        what, paths = GOALS[name]
        code, told = _tried(paths, words) if paths else (0, "no harness yet")
        codes.append(code)
        files = ", ".join(f"`tests/{path}`" for path in paths)
        print(f"{name}: {told}", flush=True)
        kept = {n: line for line in read(PAGE, PART).splitlines() if (n := _name(line)) in GOALS}
        kept[name] = f"| {name} {what} | {files} | {told} |"
        put(PAGE, f"On {machine()}.\n\n{HEAD}\n" + "\n".join(kept[n] for n in GOALS if n in kept), PART)
    return max(codes)


def _name(line: str) -> str:
    return line.removeprefix("| ").partition(" ")[0]


def _tried(paths: Sequence[str], words: Sequence[str]) -> tuple[int, str]:
    with TemporaryDirectory(prefix="wattledger-goal-") as folder:
        report = Path(folder) / "report.xml"
        call = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *words]
        code = subprocess.run([*call, *(f"tests/{p}" for p in paths)], cwd=ROOT, check=False).returncode
        part = f" (only `{' '.join(words)}`)" if words else ""
        return code, summary(report, str(SystemClock().now().date())) + part


def summary(report: Path, day: str) -> str:
    """`12 passed in 3 s; histories 1000000; 2026-11-21`: pytest's report in one cell."""
    suite = list(ElementTree.parse(report).iter("testcase"))
    counts = Counter(_outcome(case) for case in suite)
    took = sum(float(case.get("time", 0)) for case in suite)
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    return "; ".join([f"{said} in {took:.0f} s", *_figures(suite), day])


def _figures(suite: Sequence[ElementTree.Element]) -> Iterator[str]:
    for case in suite:
        told = [f"{p.get('name')} {p.get('value')}".replace("_", " ") for p in case.iter("property")]
        if told:
            where = case.get("name", "").partition("[")[2].rstrip("]")
            yield ", ".join(told) + (f" ({where})" if where else "")


def _outcome(case: ElementTree.Element) -> str:
    for tag, word in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if case.find(tag) is not None:
            return word
    return "passed"
