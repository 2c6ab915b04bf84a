"""Suites are made from the contracts: each promise becomes one expectation, with its severity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.errors import QualityError
from pipelines.quality.expectations import SHARE, Check, checks_of
from pipelines.quality.validate import checkable
from pipelines.quality.window import Window
from pipelines.rules import Action, Severity
from pipelines.tables import Table, contract

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PARAMETERS = {"future_tolerance": "INTERVAL '10 minutes'"}


def checks(table: Table) -> dict[str, Check]:
    return {check.id: check for check in checks_of(table, PARAMETERS, NOON)}


@pytest.mark.parametrize("table", checkable(), ids=lambda table: table.full_name)
def test_all_that_a_contract_promises_is_expected(table: Table) -> None:
    wanted = {f"required_{column.name}" for column in table.columns if column.required}
    wanted |= {rule.reason for rule in table.rules if rule.action is not Action.WARN}
    wanted |= {check.id for check in table.checks}

    found = checks(table)

    assert set(found) == wanted
    for check in found.values():
        assert check.message
        assert check.expectation.severity.value == check.severity
        assert check.expectation.description


def test_silver_and_gold_are_checked_and_their_own_results_are_not() -> None:
    names = {table.full_name for table in checkable()}

    assert {"silver.metrics", "silver.quarantine", "gold.metric_rollup", "gold.agent_health", "gold.quality"} <= names
    assert not names & {"bronze.telemetry", "gold.quality_checks"}


def test_a_table_that_cannot_be_checked_is_answered_with_those_that_can() -> None:
    with pytest.raises(QualityError, match=r"table silver\.nothing cannot be checked.*silver\.metrics"):
        checkable(("silver.metrics", "silver.nothing"))


def test_each_kind_of_promise_has_its_expectation() -> None:
    metrics, rollup = checks(contract("silver.metrics")), checks(contract("gold.metric_rollup"))

    def told(check: Check) -> tuple[str, dict[str, object]]:
        configuration = check.expectation.configuration
        kwargs = {name: value for name, value in configuration.kwargs.items() if value is not None}
        return configuration.type, {name: kwargs[name] for name in kwargs if "value" in name or "column" in name}

    proportion = "expect_column_proportion_of_non_null_values_to_be_between"
    assert told(metrics["required_metric"]) == (proportion, {"column": "metric", "min_value": 1.0})
    assert told(metrics["no_value"]) == (proportion, {"column": "keeps no_value", "min_value": 1.0})
    assert told(metrics["host_known"]) == (proportion, {"column": "host_name", "min_value": 0.5})
    assert told(metrics["fresh"]) == (
        "expect_column_min_to_be_between", {"column": "age of ingest_time [s]", "max_value": 1800.0},
    )  # fmt: skip
    assert told(metrics["usual_volume"]) == (
        "expect_column_values_to_be_between", {"column": SHARE, "min_value": 0.5, "max_value": 2.0},
    )  # fmt: skip
    assert told(rollup["unique_key"])[0] == "expect_column_proportion_of_unique_values_to_be_between"
    assert rollup["unique_key"].measures == (
        ("key (granularity, window_start, series_id)", "struct(`granularity`, `window_start`, `series_id`)"),
    )
    query = rollup["series_measured"].expectation.configuration.kwargs["unexpected_rows_query"]
    assert "FROM {batch} AS here" in query
    assert "there.`series_id` = here.`series_id`" in query


def test_a_rule_is_bound_to_the_settings() -> None:
    ((_, kept),) = checks(contract("silver.metrics"))["future_time"].measures

    assert "INTERVAL '10 minutes'" in kept
    assert "future_tolerance" not in kept


def test_severity_is_that_of_the_contract() -> None:
    metrics = checks(contract("silver.metrics"))

    assert metrics["fresh"].severity is Severity.CRITICAL
    assert metrics["usual_volume"].severity is Severity.WARNING
    assert metrics["required_event_time"].severity is Severity.CRITICAL


def test_only_whole_hours_have_a_volume() -> None:
    window = Window(NOON.replace(hour=9, minute=30), NOON.replace(minute=10))

    assert window.whole_hours() == Window(NOON.replace(hour=10), NOON)
    assert Window(NOON.replace(minute=5), NOON.replace(minute=55)).whole_hours() is None
    assert Window(NOON, NOON.replace(hour=13)).whole_hours() == Window(NOON, NOON.replace(hour=13))
