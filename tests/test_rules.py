"""Rules that a linter does not know, checked over the source as it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCE = ROOT / "src" / "wattledger"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
SECRETIVE = re.compile(r"(secret|token|password|passphrase|digest|signature)s?$", re.I)
HARMLESS = re.compile(r"^(SECRETS?|next_token|token_state)$")
CLOCKS = {"clock.py"}


def nodes(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield path, node


def at(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def secretive(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "get_secret_value"
    return bool(SECRETIVE.search(name)) and not HARMLESS.search(name)


def unequal_time_comparisons(source: str) -> list[int]:
    """Lines that compare a secret with == or !=, or look it up with `in`, other than with a constant."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            if any(map(secretive, sides)) and not any(isinstance(s, ast.Constant) for s in sides):
                found.append(node.lineno)
    return found


def test_no_secret_is_compared_in_a_time_that_depends_on_it() -> None:
    found = [f"{p.relative_to(ROOT)}:{n}" for p in FILES for n in unequal_time_comparisons(p.read_text())]
    assert found == []


@pytest.mark.parametrize("line", ["given == secret", "self.token != x", "a.get_secret_value() == b"])
def test_such_a_comparison_is_noticed(line: str) -> None:
    assert unequal_time_comparisons(line) == [1]


def test_no_shell_is_ever_started() -> None:
    shells = [
        at(path, node)
        for path, node in nodes(ast.Call)
        if any(k.arg == "shell" for k in getattr(node, "keywords", []))
        or ast.unparse(getattr(node, "func", node)) in {"os.system", "os.popen", "subprocess.getoutput"}
    ]
    assert shells == []


def test_the_relay_writes_files_only_durably() -> None:
    """Every file goes through the spool's durable write; what a plain `open(..., "w")` wrote may be lost."""
    plain = [
        at(path, node)
        for path, node in nodes(ast.Call)
        if path.parent.name == "relay"
        and (
            re.search(r"""\bopen\(.*['"][wax]b?['"]""", ast.unparse(node))
            or ast.unparse(getattr(node, "func", node)).endswith((".write_text", ".write_bytes"))
        )
    ]
    assert plain == []


def test_only_the_clock_reads_the_wall_clock_and_draws_chance() -> None:
    calls = {"datetime.now", "datetime.utcnow", "time.time", "date.today", "datetime.today", "time.monotonic"}
    chances = {"secrets.token_urlsafe", "secrets.token_bytes", "secrets.token_hex", "uuid.uuid4"}
    found = [
        at(path, node)
        for path, node in nodes(ast.Call)
        if path.name not in CLOCKS and ast.unparse(getattr(node, "func", node)) in calls | chances
    ]
    found += [at(path, node) for path, node in nodes(ast.Import) if "import random" in ast.unparse(node)]
    assert found == []


def test_files_and_functions_stay_short() -> None:
    long = [str(p.relative_to(ROOT)) for p in FILES if len(p.read_text().splitlines()) > LONGEST_FILE]
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef):
        long += [
            at(path, node)
            for path, node in nodes(kind)
            if (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) >= LONGEST_FUNCTION
        ]
    assert long == []


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [str(p.relative_to(ROOT)) for p in FILES if marks.search(p.read_text())] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in FILES
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert silent == []
