"""Prometheus rules and Grafana dashboards: well formed, and every metric and field they name exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.generate import metrics

from tests.paths import ROOT
from wattledger.web.v1.shapes import Balance, BalanceStep

PROMETHEUS, GRAFANA = ROOT / "deploy" / "prometheus", ROOT / "deploy" / "grafana"
RULES = PROMETHEUS / "wattledger.rules.yml"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
NAME = re.compile(r"\bwattledger_[a-z_]+\b")
LABEL = re.compile(r"[{,]\s*([a-z_]+)(?:=~|!=|=)")


def known() -> dict[str, tuple[str, ...]]:
    """Every name as it is scraped, with its labels."""
    return {
        name + suffix: (*labels, *(("le",) if suffix == "_bucket" else ()))
        for name, kind, labels, _ in metrics()
        for suffix in SUFFIXES[kind]
    }


def rules() -> list[dict[str, Any]]:
    read: dict[str, Any] = yaml.safe_load(RULES.read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def dashboard(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / name).read_text())
    return found


def expressions() -> list[str]:
    drawn = [t["expr"] for panel in dashboard("operator.json")["panels"] for t in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *drawn]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_of_an_expression_exists(expression: str) -> None:
    names = [name for name in NAME.findall(expression) if name != "wattledger"]
    assert set(names) <= known().keys()
    labels = {label for name in names for label in known()[name]} | {"job"}
    assert set(LABEL.findall(expression)) <= labels
    grouped = ",".join(re.findall(r"by \(([^)]*)\)", expression))
    assert {word.strip() for word in grouped.split(",") if word} <= labels


def test_every_metric_is_drawn_or_watched() -> None:
    seen = {name for expression in expressions() for name in NAME.findall(expression)}
    told_elsewhere = {
        "wattledger_newest_payload_age_seconds"
    }  # by way: wattledger_source_payload_age_seconds
    lost = [
        name
        for name, kind, _, _ in metrics()
        if not {name + suffix for suffix in SUFFIXES[kind]} & seen and name not in told_elsewhere
    ]
    assert lost == []


def test_every_rule_says_what_it_means() -> None:
    for rule in rules():
        assert rule["alert"].startswith("Wattledger")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("name", ["operator.json", "site.json"])
def test_a_dashboard_is_whole(name: str) -> None:
    board = dashboard(name)
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    (variable,) = board["templating"]["list"]
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == f"${{{variable['name']}}}"


def test_the_sites_dashboard_asks_for_what_the_api_answers() -> None:
    fields = BalanceStep.model_fields.keys() | {"car", "units"}
    for panel in dashboard("site.json")["panels"]:
        (target,) = panel["targets"]
        assert target["url"].startswith("/v1/balance?by=day&")
        assert {column["selector"] for column in target["columns"]} <= fields
        words = set(re.findall(r"\b(parts|points|used|meter|rest|start)\b", target["root_selector"]))
        assert words <= Balance.model_fields.keys() | BalanceStep.model_fields.keys()


def promtool(*words: str, folder: Path = PROMETHEUS) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian, Ubuntu: apt install prometheus)")
    done = subprocess.run((program, *words), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES.name)


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", "--syntax-only", "wattledger.yml")


def test_the_absence_of_the_good_thing_fires(tmp_path: Path) -> None:
    """Prometheus' own simulator: what stops is told within its period, and nothing is told while it goes."""
    shutil.copy(RULES, tmp_path / RULES.name)
    silent = {"connector": "smartthings", "connection": "c"}
    label = ",".join(f'{k}="{v}"' for k, v in silent.items())
    case = {
        "interval": "1m",
        "input_series": [
            {"series": 'up{job="wattledger"}', "values": "1x400"},
            {"series": f"wattledger_connection_success_age_seconds{{{label}}}", "values": "0+60x400"},
            {"series": "wattledger_payload_waiting_seconds", "values": "0x400"},
        ],
        "alert_rule_test": [
            {"eval_time": "100m", "alertname": "WattledgerConnectionSilent", "exp_alerts": []},
            {
                "eval_time": "140m",
                "alertname": "WattledgerConnectionSilent",
                "exp_alerts": [{"exp_labels": {**silent, "severity": "warning"}}],
            },
            {"eval_time": "140m", "alertname": "WattledgerBacklog", "exp_alerts": []},
            {"eval_time": "140m", "alertname": "WattledgerDown", "exp_alerts": []},
        ],
    }
    summary = next(r for r in rules() if r["alert"] == "WattledgerConnectionSilent")["annotations"]["summary"]
    told = summary.replace("{{ $labels.connector }}", "smartthings")
    case["alert_rule_test"][1]["exp_alerts"][0]["exp_annotations"] = {"summary": told}  # type: ignore[index]
    whole = {"rule_files": [RULES.name], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(whole))
    promtool("test", "rules", "test.yml", folder=tmp_path)
