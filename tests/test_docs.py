"""The documents: generated pages are fresh, links resolve, named commands exist, nothing private is told."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from docs.generate import DOCS, PAGES, command_helps

from tests.paths import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`(wattledger [^`]+)`|^\s*(?:\./dev run|wattledger) (.+)$", re.M)
PRIVATE = re.compile(
    "|".join(
        (r"/w" + r"ork/", r"/r" + r"oot/", r"pypi" + r"\.org", r"pythonhosted" + r"\.org", r"registry\.npmjs")
    )
)
SPELLED_BY_OTHERS = ("package-lock.json",)


def tracked() -> list[Path]:
    listing = subprocess.run(("git", "-C", str(ROOT), "ls-files", "-z"), capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("the tree is not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), f"docs/{name} is old; run ./dev docs"


def test_links_resolve() -> None:
    broken = [f"{page.relative_to(ROOT)} -> {link}" for page, link in _links() if not _resolves(page, link)]
    assert broken == []


def _links() -> Iterator[tuple[Path, str]]:
    for page in pages():
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in link and not link.startswith("mailto:"):
                yield page, link


def _resolves(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page if not name else (page.parent / name)
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


@cache
def commands() -> dict[str, str]:
    """Every command path (`smt token`) with its help."""
    return dict(command_helps())


def test_every_command_that_a_page_names_exists() -> None:
    unknown = []
    for page in pages():
        for found in CODE.finditer(page.read_text(encoding="utf-8")):
            said = (found[1] or f"wattledger {found[2]}").removeprefix("wattledger ")
            if not _is_command(said):
                unknown.append(f"{page.relative_to(ROOT)}: wattledger {said}")
    assert unknown == []


def _is_command(said: str) -> bool:
    try:
        words = [w for w in shlex.split(said.partition("#")[0]) if w]
    except ValueError:
        words = said.split()
    if not words or words[0].startswith("-") or words[0] in {"COMMAND", "..."}:
        return True
    name = words[0]
    if name not in commands():
        return False
    subs = {path.removeprefix(f"{name} ") for path in commands() if path.startswith(f"{name} ")}
    plain = [w for w in words[1:] if re.fullmatch(r"[a-z][a-z-]+", w)]
    return not subs or not plain or any(s.split()[0] == plain[0] for s in subs)


def test_every_command_shows_an_example() -> None:
    silent = [path for path, text in commands().items() if "Example:" not in text or "wattledger" not in text]
    assert silent == []


def test_every_page_is_on_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    decisions = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    lost = [
        page.relative_to(DOCS).as_posix()
        for page in DOCS.rglob("*.md")
        if page != DOCS / "index.md"
        and page.relative_to(DOCS).as_posix() not in index
        and (page.parent.name != "decisions" or page.name not in decisions)
    ]
    assert lost == []


def test_nothing_private_is_in_the_tree() -> None:
    found = []
    for path in tracked():
        if path.name in SPELLED_BY_OTHERS:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in PRIVATE.finditer(text)]
    assert found == []
