"""Puts measured results into a page, between two marks; the words around them stay.

A page may have several such parts: `<!-- measured: begin -->` begins the nameless one,
`<!-- measured x: begin -->` that of x.
"""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
DOCS = Path(__file__).resolve().parent.parent / "docs"


def put(page: str, text: str, part: str = "") -> Path:
    """Replace what stands between the marks of docs/`page`. Raises ValueError where it has none."""
    before, _, after = _parts(page, part)
    begin, end = marks(part)
    path = DOCS / page
    path.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")
    return path


def read(page: str, part: str = "") -> str:
    """What stands between the marks of docs/`page`. Raises ValueError where it has none."""
    return _parts(page, part)[1].strip()


def marks(part: str) -> tuple[str, str]:
    """The lines before and after a part."""
    return (f"<!-- measured {part}: begin -->", f"<!-- measured {part}: end -->") if part else (BEGIN, END)


def _parts(page: str, part: str) -> tuple[str, str, str]:
    begin, end = marks(part)
    before, found, rest = (DOCS / page).read_text(encoding="utf-8").partition(begin)
    between, over, after = rest.partition(end)
    if not found or not over:
        raise ValueError(f"docs/{page} needs the lines {begin} and {end}")
    return before, between, after
