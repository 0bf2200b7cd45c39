"""`./dev soak --only mutants`: small mistakes put into merge, tokens, sign-in and vault, one at a time.

Each mutant is a copy of the sources with one comparison, sign, number or word turned round; it is killed
where the module's own narrow tests fail. In the order of a seed, for as many minutes as are given.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

from tests.turns import minutes

from benchmarks.figures import machine
from benchmarks.pages import put
from wattledger.clock import SystemClock

ROOT = Path(__file__).resolve().parent.parent
PAGE, PART, SEED, PATIENCE = "reliability.md", "mutants", 15, 180
MODULES: dict[str, tuple[str, ...]] = {
    "merge.py": ("tests/merge",),
    "secrets.py": ("tests/test_secrets.py",),
    "connectors/tokens.py": ("tests/smt_api/test_tokens.py",),
    "store/sources/vendor_tokens.py": ("tests/people/test_vendor_tokens.py",),
    "web/auth.py": ("tests/web/test_auth.py", "tests/web/test_signin.py"),
}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[int, str]]:
    """(line, source) of every mutant.

    Left alone: annotations, docstrings, switches of tests, and `slots`, which saves memory and does no more.
    """
    tree = ast.parse(source)
    skipped = _passed_over(tree)
    for number, node in enumerate(ast.walk(tree)):
        if node in skipped:
            continue
        copy = deepcopy(tree)
        found = list(ast.walk(copy))[number]
        if _turn(found):
            yield getattr(node, "lineno", 0), ast.unparse(copy)


def _passed_over(tree: ast.AST) -> set[ast.AST]:
    out: set[ast.AST] = set()
    for node in ast.walk(tree):
        hidden = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("sabotaged", "fault"):
            hidden.append(node)
        if isinstance(node, ast.AnnAssign) and node.value is None:
            hidden.append(node)
        if isinstance(node, ast.keyword) and node.arg == "slots":
            hidden.append(node)
        out |= {below for one in hidden if one is not None for below in ast.walk(one)}
    return out


def _turn(node: ast.AST) -> bool:
    """Turn a node round in place; False where there is nothing to turn."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        node.ops[0] = SWAPS[type(node.ops[0])]()  # type: ignore[call-overload]
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.op = ast.UAdd() if isinstance(node.operand, ast.Constant) else ast.Not()
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        node.value += 1
    else:
        return False
    return True


def run(words: Sequence[str]) -> int:
    """Try mutants until the minutes are over; write the score. 1 where it is below 85 %."""
    until = monotonic() + 60 * minutes()
    every = [
        (name, *one) for name in MODULES for one in mutants((ROOT / "src/wattledger" / name).read_text())
    ]
    Random(SEED).shuffle(every)
    tried, lived = dict.fromkeys(MODULES, 0), {name: list[int]() for name in MODULES}
    with TemporaryDirectory(prefix="wattledger-mutants-") as folder:
        place = Path(folder) / "src"
        shutil.copytree(ROOT / "src", place)
        for name in MODULES:
            whole = ast.unparse(ast.parse((place / "wattledger" / name).read_text()))
            if killed(place, name, whole, words):
                sys.exit(f"mutants: the tests of {name} fail without any mistake")
        for name, line, source in every:
            if monotonic() > until:
                break
            tried[name] += 1
            if not killed(place, name, source, words):
                lived[name] = [*lived[name], line]
                print(f"lived: {name}, line {line}", flush=True)
    _write(tried, lived, len(every))
    total, survivors = sum(tried.values()), sum(map(len, lived.values()))
    return int(total - survivors < 0.85 * total)


def killed(place: Path, name: str, source: str, words: Sequence[str] = ()) -> bool:
    """Whether the module's tests notice this mutant; the copy is as before afterwards."""
    path = place / "wattledger" / name
    before = path.read_text()
    path.write_text(source)
    call = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not soak", "-p", "no:cacheprovider", *words]
    call += ["-o", f"pythonpath={place} .", *MODULES[name]]
    env = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return (
            subprocess.run(
                call, cwd=ROOT, env=env, capture_output=True, timeout=PATIENCE, check=False
            ).returncode
            != 0
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(before)


def _write(tried: dict[str, int], lived: dict[str, list[int]], every: int) -> None:
    rows = []
    for name, count in tried.items():
        lines = ", ".join(map(str, sorted(lived[name]))) or "none"
        rows.append(f"| `{name}` | {count} | {count - len(lived[name])} | {lines} |")
    total, survivors = sum(tried.values()), sum(map(len, lived.values()))
    score = 100 * (total - survivors) / max(total, 1)
    when = f"{SystemClock().now().date()}, on {machine()}"
    head = f"{total} of {every} mutants tried (seed {SEED}), {score:.0f} % killed, {when}."
    table = "| module | tried | killed | lines of those that lived |\n|---|---|---|---|\n" + "\n".join(rows)
    put(PAGE, f"{head}\n\n{table}", PART)
