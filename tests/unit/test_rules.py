"""What a contract says of rules and checks: all of it, or it is refused with table, rule, value and what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ContractError
from pipelines.quality import reasons
from pipelines.rules import Action, Freshness, Reference, RowRule, Scope, Severity, Unique
from pipelines.settings import PROJECT_DIR, SCHEMAS_DIR
from pipelines.tables import all_contracts, contract

_RULES = [(table, rule) for table in all_contracts() for rule in table.rules]


def test_a_rule_says_what_becomes_of_a_row_that_breaks_it() -> None:
    rules = {rule.reason: rule for rule in contract("silver.metrics").rules}

    assert rules["no_value"] == RowRule(
        "no_value", "value IS NOT NULL", "no measurement", Action.QUARANTINE, Severity.CRITICAL
    )
    assert rules["percent_out_of_range"].action is Action.WARN
    assert rules["no_series"].action is Action.FAIL


def test_a_table_of_records_stops_the_stream_when_a_record_has_no_identity() -> None:
    of_no_records = ("quarantine", "inventory", "anomaly_scores", "anomaly_feedback", "log_patterns")
    records = [table for table in all_contracts() if table.layer == "silver" and table.name not in of_no_records]

    assert len(records) >= 8
    for table in records:
        assert ("no_event_id", Action.FAIL) in [(rule.reason, rule.action) for rule in table.rules], table.full_name


def test_the_code_of_a_rule_is_that_of_one_rule_of_its_table_alone() -> None:
    for table in all_contracts():
        codes = [rule.reason for rule in table.rules] + [check.id for check in table.checks]
        assert len(codes) == len(set(codes)), table.full_name


def test_a_code_that_only_counts_is_no_reason_of_quarantine() -> None:
    assert reasons.counted()
    assert not set(reasons.counted()) & set(reasons.explanations())


def test_the_operator_finds_every_rule_and_check_in_the_documentation() -> None:
    page = (PROJECT_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
    checks = {check.id for table in all_contracts() for check in table.checks}

    assert [code for code in [*reasons.counted(), *sorted(checks)] if f"`{code}`" not in page] == []


def test_checks_are_read_with_their_parameters() -> None:
    checks = {check.id: check for check in contract("gold.metric_rollup").checks}

    assert isinstance(checks["fresh"], Freshness)
    assert (checks["fresh"].column, checks["fresh"].within) == ("updated_at", "30 minutes")
    assert isinstance(checks["unique_key"], Unique)
    assert checks["unique_key"].columns == ["granularity", "window_start", "series_id"]
    assert isinstance(checks["series_measured"], Reference)
    assert checks["series_measured"].scope is Scope.WINDOW


def test_what_is_referenced_is_there() -> None:
    for table in all_contracts():
        for check in table.checks:
            if isinstance(check, Reference):
                assert set(check.columns) <= set(contract(check.to).column_names)


_ACTION = "    - property: action\n      value: quarantine\n"
SPOILT = {
    "an unknown action": (_ACTION, "    - property: action\n      value: drop\n", "rule bad_time: action is 'drop'"),
    "no action": (_ACTION, "    - property: owner\n      value: us\n", "rule bad_time: action is missing"),
    "an unknown severity": ("severity: critical", "severity: error", "rule bad_time: severity is 'error'"),
    "no severity": ("    severity: critical\n", "", "rule bad_time: severity is missing"),
    "an unknown engine": ("engine: spark", "engine: soda", "rule bad_time: engine is 'soda'"),
    "an unknown check": ("check: freshness", "check: smell", "rule fresh: check is 'smell'.*freshness, volume"),
    "a wrong parameter": (
        "      within: 30 minutes\n",
        "      after: 1\n",
        "rule fresh: freshness has .*after, column",
    ),
    "a missing parameter": ("      within: 30 minutes\n", "", "rule fresh: .*it should have column, within"),
    "no duration": ("within: 30 minutes", "within: soon", "rule fresh: within is 'soon'.*such as '30 seconds'"),
    "a column it lacks": ("column: ingest_time", "column: arrival", "rule fresh: the table has no column arrival"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_rule_is_refused_with_all_that_is_needed_to_correct_it(tmp_path: Path, case: str) -> None:
    good, bad, message = SPOILT[case]
    text = (SCHEMAS_DIR / "tables" / "silver" / "heartbeats.yaml").read_text()
    assert good in text
    path = tmp_path / "tables" / "silver" / "heartbeats.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(good, bad, 1))

    with pytest.raises(ContractError, match=rf"contract of table silver\.heartbeats: {message}"):
        contract("silver.heartbeats", tmp_path)


def test_an_unknown_action_is_answered_with_those_there_are(tmp_path: Path) -> None:
    text = (SCHEMAS_DIR / "tables" / "silver" / "heartbeats.yaml").read_text()
    path = tmp_path / "tables" / "silver" / "heartbeats.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("value: quarantine", "value: ignore", 1))

    with pytest.raises(ContractError, match="should be one of: warn, quarantine, fail"):
        contract("silver.heartbeats", tmp_path)
