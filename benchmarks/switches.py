"""Which mechanisms tests may switch off, and which tests notice: read from the code itself, never listed.

A switch is the literal name in `sabotaged("name")`. A test names it by `sabotage("name")`, for a child by
`off=("name",)` or by `off:name` in its environment; where the name is a parameter, by its parametrisation.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Test:
    """A test that switches mechanisms off. `keeps`: what it watches over, its own words or its file's."""

    __test__ = False

    path: str
    name: str
    keeps: str
    switches: frozenset[str]

    @property
    def id(self) -> str:
        """As pytest takes it."""
        return f"{self.path}::{self.name}"


def switches() -> dict[str, str]:
    """Each switch with the first module that holds it. Raises TypeError for one without a literal."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), "sabotaged"):
            name = call.args[0]
            if not isinstance(name, ast.Constant):
                raise TypeError(f"{path}:{call.lineno}: the switch needs a literal name.")
            found.setdefault(str(name.value), ".".join(path.relative_to(ROOT / "src").with_suffix("").parts))
    return dict(sorted(found.items()))


def tests(known: frozenset[str]) -> list[Test]:
    """Every test that switches one of those off, by path and place."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, Function) and function.name.startswith("test_"):
                off = frozenset(_named(function)) & known
                if off:
                    words = _first_line(function) or _first_line(tree)
                    found.append(Test(str(path.relative_to(ROOT)), function.name, words, off))
    return found


def noticing() -> dict[str, list[Test]]:
    """For each switch the tests that notice it, those named after it first."""
    all_of = switches()
    able = tests(frozenset(all_of))
    return {
        name: sorted((t for t in able if name in t.switches), key=lambda t: f"sabotage_{name}" not in t.name)
        for name in all_of
    }


def _named(function: Function) -> Iterator[str]:
    for call in _calls(function, "sabotage"):
        for argument in call.args:
            yield from _texts(argument) if isinstance(argument, ast.Constant) else _parameters(function)
    for part in ast.walk(function):
        if isinstance(part, ast.keyword) and part.arg == "off":
            yield from _texts(part.value)
        for text in _texts(part) if isinstance(part, ast.Constant) else ():
            yield from (item[4:] for item in text.split(",") if item.startswith("off:"))


def _parameters(function: Function) -> Iterator[str]:
    for decorator in function.decorator_list:
        yield from _texts(decorator)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Call) and getattr(part.func, "id", getattr(part.func, "attr", "")) == name:
            yield part


def _texts(tree: ast.AST) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _first_line(tree: Function | ast.Module) -> str:
    return (ast.get_docstring(tree) or "").partition("\n")[0].rstrip(".")
