"""The small languages of rules: templates, durations, the SQL of expressions, series of tests, fingerprints."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.alerts.durations import parse_span
from pipelines.alerts.expressions import expand, names_in, substitute
from pipelines.alerts.history import canonical, fingerprint
from pipelines.alerts.series import Series, expand_values, parse_series
from pipelines.alerts.templates import render
from pipelines.errors import AlertRuleError


def test_a_template_is_filled_with_labels_and_the_value() -> None:
    labels = {"resource_id": "vm1"}
    assert render("{{ $labels.resource_id }}: {{$value}}", labels, 81.25) == "vm1: 81.25"
    assert render('{{ $value | printf "%.0f" }} %', labels, 81.25) == "81 %"
    assert render("[{{ $labels.pod }}] {{ $value }}", labels, None) == "[] "


def test_durations_are_those_of_prometheus() -> None:
    assert parse_span("1h30m") == timedelta(minutes=90)
    assert parse_span("0s") == parse_span("0") == timedelta(0)
    for wrong in ("5", "5 minutes", "", "m5", 5):
        with pytest.raises(ValueError, match="such as 30s, 5m or 1h30m"):
            parse_span(wrong)


def test_names_are_replaced_but_not_in_text_not_in_longer_names_and_not_functions() -> None:
    meanings = {"value": "__m0", "cpu": "__m1", "max": "__m2"}
    assert substitute("value > 80 AND cpu_x < max(cpu)", meanings) == "__m0 > 80 AND cpu_x < max(__m1)"
    assert substitute("label = 'cpu' AND a.cpu = `value`", meanings) == "label = 'cpu' AND a.cpu = `value`"
    assert names_in("100 * sum(x) / 'y'") == {"x"}


def test_newest_is_sql_that_spark_runs() -> None:
    assert expand("newest(cpu)", "event_time") == "max_by(cpu, event_time) FILTER (WHERE cpu IS NOT NULL)"


def test_series_expand_as_in_promtool() -> None:
    assert expand_values("1+2x3 _ 5 -1-1x1 4x2 _x2 stale") == [1, 3, 5, 7, None, 5, -1, -2, 4, 4, 4, None, None, None]
    with pytest.raises(AlertRuleError, match="'1\\+x2' should be a number"):
        expand_values("1+x2")


def test_a_series_is_a_metric_or_a_column_of_a_table() -> None:
    assert parse_series('% Processor Time{resource_id="a, \\"b\\"", instance="0"}') == Series(
        "silver.metrics", "value", {"metric": "% Processor Time", "resource_id": 'a, "b"', "instance": "0"}
    )
    assert parse_series('gold.agent_health{state="silent"}') == Series("gold.agent_health", None, {"state": "silent"})
    assert parse_series("silver.anomaly_scores:anomaly_score").column == "anomaly_score"
    with pytest.raises(AlertRuleError, match="should be label="):
        parse_series("cpu{resource_id=vm1}")


def test_the_fingerprint_is_that_of_alertmanager() -> None:
    # prometheus/common, model/fnv.go: no labels are the offset of FNV-1a; the order of labels does not matter.
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"}) != fingerprint({"a": "12", "b": ""})


def test_labels_have_one_form() -> None:
    assert canonical('{"b":"\\u00e9", "a":"1"}') == '{"a":"1","b":"é"}'
