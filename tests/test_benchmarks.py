"""The bench's own arithmetic and pages; the measurements themselves are `./dev bench`."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import pages, rows, soak, texas
from benchmarks.figures import as_markdown, as_text, at_least, at_most, machine, number, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (5, "5"), (12.345, "12.3"), (999.4, "999"), (1234567.8, "1,234,568")],
)
def test_numbers_have_three_figures(value: float, text: str) -> None:
    assert number(value) == text


def test_a_goal_is_judged_by_the_median() -> None:
    assert at_least("x", [1, 100, 60], "/s", 50).met is True
    assert at_least("x", [1, 100, 40], "/s", 50).met is False
    assert at_most("x", [1, 100, 4], "ms", 5).met is True
    assert at_most("x", [9, 9, 9], "ms", 5).met is False
    assert at_most("x", [9], "ms").met is None


def test_tables_hold_every_figure() -> None:
    figures = [at_least("one", [1, 2, 3], "/s", 2), at_most("two", [7], "ms")]
    assert "2 /s (1 - 3)" in as_text(figures)
    assert as_markdown(figures).count("\n") == 3


def test_the_first_call_does_not_count() -> None:
    calls = []
    assert len(seconds(lambda: calls.append(1), runs=3)) == 3
    assert len(calls) == 4


def test_the_machine_is_described() -> None:
    assert "Python" in machine()


def test_results_go_between_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    page = tmp_path / "x.md"
    page.write_text(f"before\n{pages.BEGIN}\nold\n{pages.END}\nafter\n")
    pages.put("x.md", "new")
    assert page.read_text() == f"before\n{pages.BEGIN}\nnew\n{pages.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match=r"x\.md"):
        pages.put("x.md", "new")


def test_a_part_of_the_long_run_keeps_the_rows_of_the_others(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuite><testcase classname="tests.store.test_crash" name="test_killed[sqlite]" time="1.6">'
        '<properties><property name="vendor_calls" value="7"/></properties></testcase></testsuite>'
    )
    found = dict(soak.rows(report, "2026-11-21"))
    row = "| store: crash: killed[sqlite] | passed | 2 | vendor calls 7 | 2026-11-21 |"
    assert found == {"store: crash: killed[sqlite]": row}
    page = "| harness | x |\n|---|---|\n| store: crash: killed[sqlite] | failure |\n| other | passed |"
    assert list(soak.merged(page, found).values()) == ["| other | passed |", row]


@pytest.mark.parametrize("page", ["performance.md", "reliability.md"])
def test_the_real_pages_have_their_marks(page: str) -> None:
    text = (pages.DOCS / page).read_text()
    assert text.index(pages.BEGIN) < text.index(pages.END)


def test_a_part_of_the_bench_keeps_the_rows_of_the_others() -> None:
    first = rows.merged("", "`./dev bench --write`, yesterday.", as_markdown([at_most("a", [1], "s")]))
    figures = as_markdown([at_most("b", [2], "s")])
    both = rows.merged(first, "`./dev bench --only texas --write`, today.", figures)
    again = rows.merged(both, "`./dev bench --write`, today.", as_markdown([at_most("a", [3], "s")]))
    assert "| a | 1 s |  |  |" in both and "| b | 2 s |  |  |" in both
    assert "| a | 3 s |  |  |" in again and "| b | 2 s |  |  |" in again and "| a | 1 s" not in again
    assert again.count("`./dev bench") == 2 and "yesterday" not in again


def test_growth_is_the_slope_of_cost_over_work() -> None:
    assert texas.exponent([(n, 3 * n**1.5) for n in (10, 100, 1000)]) == pytest.approx(1.5)
    assert texas.exponent([(n, n) for n in (10, 20, 50)]) == pytest.approx(1)
