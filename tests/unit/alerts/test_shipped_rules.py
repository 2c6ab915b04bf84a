"""The rules that are shipped do what conf/alerts.test.yaml says of them."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from pipelines.alerts.rule_tests import Report, run_tests
from pipelines.alerts.rules import RULES_FILE, load_rules
from pipelines.alerts.stream import known_tables
from pipelines.settings import CONF_DIR


@pytest.fixture(scope="module")
def report(spark: SparkSession) -> Report:
    return run_tests(spark, CONF_DIR / "alerts.test.yaml", known_tables(load_rules()))


def test_every_rule_fires_when_it_should_and_only_then(report: Report) -> None:
    assert "\n".join(report.failures) == ""


def test_every_rule_has_a_test_in_which_it_fires(report: Report) -> None:
    tables = known_tables(load_rules())
    there = {rule.alert for group in load_rules(RULES_FILE) for rule in group.rules if rule.expr.table in tables}
    assert report.tested == there
