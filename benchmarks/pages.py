"""Puts measured results into a page, between its two marks; the words around them stay."""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
DOCS = Path(__file__).resolve().parent.parent / "docs"


def put(page: str, text: str) -> Path:
    """Replace what stands between the marks of docs/`page`. Raises ValueError where it has none."""
    before, _, after = _parts(page)
    path = DOCS / page
    path.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{after}", encoding="utf-8")
    return path


def read(page: str) -> str:
    """What stands between the marks of docs/`page`. Raises ValueError where it has none."""
    return _parts(page)[1].strip()


def _parts(page: str) -> tuple[str, str, str]:
    before, begin, rest = (DOCS / page).read_text(encoding="utf-8").partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/{page} needs the lines {BEGIN} and {END}")
    return before, between, after
