"""A rule that is wrong is told with file, group, alert, key, value and what would be right; nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.alerts.rules import load_rules
from pipelines.alerts.signals import load_signals
from pipelines.errors import AlertRuleError


def rule(**changes: Any) -> dict[str, Any]:
    expr = {
        "select": {"value": "avg(cpu_utilization)"}, "from": "silver.metrics", "by": ["resource_id"], "window": "5m",
        "having": "value > 80",
    }  # fmt: skip
    return {
        "alert": "Hot",
        "expr": expr | changes.pop("expr", {}),
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.resource_id }} {{ $value }}"},
        **changes,
    }


def write(folder: Path, *rules: dict[str, Any]) -> Path:
    path = folder / "alerts.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "hosts", "interval": "1m", "rules": list(rules)}]}))
    return path


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"for": "5 min"}, "for is '5 min': should be a duration as in Prometheus, such as 30s, 5m or 1h30m"),
        ({"fro": "5m"}, "fro is unknown (value '5m')"),
        ({"labels": {"severity": "high"}}, "severity is 'high': should be one of info, warning, critical, page"),
        ({"expr": {"window": "0s"}}, "expr.window is '0s': should be longer than nothing"),
        ({"expr": {"window": None}}, "expr: window is missing: silver tables grow without end"),
        ({"expr": {"from": "metrics"}}, "expr.from is 'metrics': "),
        ({"expr": {"select": {"cpu": "avg(x)"}}}, "expr: select should have a `value`"),
        ({"expr": {"by": ["severity"]}}, "expr: by has severity, which is taken"),
        ({"labels": {"severity": "page", "resource_id": "x"}}, "labels has resource_id, which the expression gives"),
        ({"annotations": {"description": "x"}}, "annotations should have a `summary`"),
        ({"annotations": {"summary": "{{ $labels.host }}"}}, "$labels.host is no label of this rule; it has alertname"),
        ({"annotations": {"summary": "{{ .Value }}"}}, "{{ .Value }} should be $labels.<name>, $value, or"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    path = write(tmp_path, rule(**wrong))
    with pytest.raises(AlertRuleError) as raised:
        load_rules(path)
    assert str(raised.value).startswith(f"{path}: group hosts: alert Hot: ")
    assert told in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AlertRuleError) as raised:
        load_rules(write(tmp_path, rule(**{"for": "x"}), rule(alert="Cold", labels={"severity": "high"})))
    assert len(str(raised.value).splitlines()) == 2


def test_two_rules_whose_alerts_could_not_be_told_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AlertRuleError, match="alert Hot: is there twice with the same labels"):
        load_rules(write(tmp_path, rule(), rule()))
    assert load_rules(write(tmp_path, rule(), rule(labels={"severity": "info"})))


def test_a_file_that_is_no_yaml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("groups: [")
    with pytest.raises(AlertRuleError, match="cannot be read as YAML"):
        load_rules(path)


def test_what_is_wrong_with_a_signal_is_told(tmp_path: Path) -> None:
    path = tmp_path / "signals.yaml"
    path.write_text("signals: {cpu: {unit: '%', metrics: [{name: CPUUtilization}]}}")
    with pytest.raises(AlertRuleError, match=r"signals\.cpu\.metrics\.0\.metric"):
        load_signals(path)
