"""Every mechanism that can be switched off has a test that notices, and the table is read from the code."""

from __future__ import annotations

import pytest
from benchmarks import goals, sabotage, switches

Noticing = dict[str, list[switches.Test]]


@pytest.fixture(scope="module")
def noticing() -> Noticing:
    """Read by the tests that ask, not by every process that collects this file: it takes seconds."""
    return switches.noticing()


def test_there_are_many_switches(noticing: Noticing) -> None:
    assert len(noticing) >= 30


def test_every_switch_is_noticed_by_a_test(noticing: Noticing) -> None:
    assert [switch for switch, by in noticing.items() if not by] == []


def test_every_test_that_notices_says_what_it_watches_over(noticing: Noticing) -> None:
    assert [test.id for by in noticing.values() for test in by if not test.keeps] == []


def test_a_switch_is_found_however_it_is_named(noticing: Noticing) -> None:
    by_parameter, by_keyword, by_environment = (
        {test.name for test in noticing[name]} for name in ("webhook_dedupe", "unlink_order", "redaction")
    )
    assert "test_sabotage_webhook_is_noticed" in by_parameter
    assert "test_sabotage_unlink_order_is_noticed" in by_keyword
    assert "test_sabotage_redaction_and_sealing_is_noticed" in by_environment


def test_the_harness_of_every_goal_exists() -> None:
    paths = [path for _, paths in goals.GOALS.values() for path in paths]
    assert [path for path in paths if not (switches.ROOT / "tests" / path).exists()] == []


def test_a_row_says_what_came_of_each_test() -> None:
    test = switches.Test("tests/a/test_b.py", "test_sabotage_x_is_noticed", "Nothing | twice", frozenset("x"))
    words = "| x (`m`) | Nothing / twice | `tests/a/test_b.py::test_sabotage_x_is_noticed`"
    assert sabotage.row("x", "m", [test], {test.id: "passed"}) == f"{words} |"
    assert sabotage.row("x", "m", [test], {test.id: "failure"}) == f"{words} (NOT: failure) |"
    assert sabotage.row("x", "m", [], {}) == "| x (`m`) |  | NOBODY |"
    assert sabotage.noticed([test], {test.id: "passed"})
    assert not sabotage.noticed([test], {test.id: "skipped"})
