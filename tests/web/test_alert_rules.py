"""The rules for Prometheus name only gauges that the hub has."""

from __future__ import annotations

import re

from tests.paths import ROOT
from wattledger.web.metrics import Metrics

RULES = (ROOT / "deploy" / "prometheus" / "wattledger.rules.yml").read_text()


def test_the_rules_name_metrics_that_there_are() -> None:
    named = set(re.findall(r"wattledger_[a-z_]+", RULES))
    known = Metrics().text().decode()
    assert len(named) >= 5
    assert [name for name in named if name.removesuffix("_count") not in known] == []


def test_every_rule_is_whole() -> None:
    assert RULES.count("- alert:") == RULES.count("expr:") == RULES.count("summary:") == RULES.count("for: ")
