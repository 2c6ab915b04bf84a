"""Unit tests of rules, in the form of `promtool test rules`: series in, alerts that should fire out.

All tests of a file are evaluated at once, by the evaluator that the stream uses: a label keeps them apart. Where
promtool differs: an alert shows the annotations that it had when it began to fire, as those in gold.alerts do;
`exp_annotations` may be left out; `stale` is no sample.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.alerts.durations import PositiveSpan, Span, micros
from pipelines.alerts.evaluator import Due, RuleBook, evaluate, session_of_rules
from pipelines.alerts.history import Transition
from pipelines.alerts.rules import Group, Rule, load_rules, read_yaml
from pipelines.alerts.series import METRICS, Series, expand_values, parse_series
from pipelines.alerts.signals import load_signals
from pipelines.alerts.state import FIRING, no_states
from pipelines.errors import AlertRuleError
from pipelines.tables import Table

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment 0 of a test."""
_TEST = "__test"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSeries(_Part):
    series: str
    values: str


class ExpectedAlert(_Part):
    exp_labels: dict[str, str] = {}
    exp_annotations: dict[str, str] | None = None


class Expectation(_Part):
    eval_time: Span
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class RuleTest(_Part):
    name: str = ""
    interval: PositiveSpan
    input_series: tuple[InputSeries, ...]
    alert_rule_test: Annotated[tuple[Expectation, ...], Field(min_length=1)]


class TestFile(_Part):
    """`rule_files`: beside the file itself."""

    __test__ = False  # for pytest, which collects what is called so
    rule_files: Annotated[tuple[str, ...], Field(min_length=1)]
    evaluation_interval: PositiveSpan
    tests: tuple[RuleTest, ...]


@dataclass(frozen=True)
class Report:
    """`skipped`: expectations of rules whose table there is not; `tested`: names of the alerts that were expected."""

    passed: int
    failures: tuple[str, ...]
    skipped: tuple[str, ...]
    tested: frozenset[str]


def load_tests(path: Path) -> TestFile:
    try:
        return TestFile(**read_yaml(path))
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(map(str, one['loc']))} is {one['input']!r}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        raise AlertRuleError("\n".join(lines)) from error


def run_tests(spark: SparkSession, path: Path, tables: Mapping[str, Table]) -> Report:
    """Raises AlertRuleError if the file or its rules cannot be read. `tables`: those that there are, by full name."""
    tests = load_tests(path)
    groups = [group for name in tests.rule_files for group in load_rules(path.parent / name)]
    step = tests.evaluation_interval
    book = RuleBook.of([_apart(group, step) for group in groups], load_signals(), tables)
    unknown = {one.alertname for test in tests.tests for one in test.alert_rule_test} - {r.alert for r in book.rules}
    if unknown:
        raise AlertRuleError(
            f"{path}: alertname {', '.join(sorted(unknown))}: no rule of {tests.rule_files} is called so"
        )
    until = max(one.eval_time for test in tests.tests for one in test.alert_rule_test)
    moments = tuple(_at(step * count) for count in range(until // step + 1))
    rows, beside = _rows(tests), session_of_rules(spark)

    def read(table: Table) -> DataFrame:
        return _frame(beside, table, rows.get(table.full_name, []))

    outcome = evaluate(book, read, [Due(scan, moments) for scan in book.scans], no_states(), BEGIN)
    return _judge(path, tests, outcome.transitions, {rule.alert for rule in book.skipped})


def _apart(group: Group, step: timedelta) -> Group:
    """Rules that keep the tests apart. A table as it stands is, in a test, what it is since the last step."""

    def changed(rule: Rule) -> Rule:
        by = {**rule.expr.by, _TEST: _TEST}
        expr = rule.expr.model_copy(update={"by": by, "window": rule.expr.window or step})
        return rule.model_copy(update={"expr": expr})

    return group.model_copy(update={"rules": tuple(changed(rule) for rule in group.rules)})


def _at(offset: timedelta) -> int:
    return (BEGIN - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) + micros(offset)


def _rows(tests: TestFile) -> dict[str, list[tuple[str, datetime, float, str | None, dict[str, str]]]]:
    """Table → test, time, sample, column of the sample, labels."""
    rows: dict[str, list[tuple[str, datetime, float, str | None, dict[str, str]]]] = {}
    for number, test in enumerate(tests.tests):
        for given in test.input_series:
            series = parse_series(given.series)
            times = _times(series, test.interval, tests.evaluation_interval)
            for place, sample in enumerate(expand_values(given.values)):
                if sample is not None:
                    rows.setdefault(series.table, []).extend(
                        (str(number), BEGIN + test.interval * place + after, sample, series.column, dict(series.labels))
                        for after in times
                    )
    return rows


def _times(series: Series, interval: timedelta, step: timedelta) -> Sequence[timedelta]:
    """When rows of a sample are there, after it: a row of gold stands until the next sample."""
    repeats = max(1, interval // step) if series.table.startswith("gold.") else 1
    return [step * count for count in range(repeats)]


def _frame(spark: SparkSession, table: Table, rows: list[Any]) -> DataFrame:
    schema = f"{_TEST} string, time timestamp, sample double, target string, labels map<string,string>"
    sampled = {row[3] for row in rows}
    columns = (_column(table, one.name, one.type, sampled).alias(one.name) for one in table.columns)
    return spark.createDataFrame(rows, schema).select(_TEST, *columns)


def _column(table: Table, name: str, kind: str, sampled: Collection[str]) -> Column:
    if kind == "map<string,string>":
        return _map(table, name)
    if name == "series_id":
        return F.xxhash64(F.to_json("labels"))
    if "<" in kind:
        return F.lit(None).cast(kind)
    label = F.col("labels")[name].cast(kind)
    if name == table.time_column:
        return F.coalesce(label, F.col("time").cast(kind))
    if name in sampled:
        label = F.coalesce(label, F.when(F.col("target") == name, F.col("sample")).cast(kind))
    # What silver.metrics requires of every row, and no test is about.
    return F.coalesce(label, F.lit("test")) if table.full_name == METRICS and name == "namespace" else label


def _map(table: Table, name: str) -> Column:
    """Labels `name.key`; in `dimensions` those as well that are in no column."""
    prefix = f"{name}."
    known = F.array(*(F.lit(one) for one in table.column_names))

    def belongs(label: Column, _: Column) -> Column:
        is_mine = F.startswith(label, F.lit(prefix))
        if name != "dimensions":
            return is_mine
        return is_mine | (~F.contains(label, F.lit(".")) & ~F.array_contains(known, label))

    mine = F.map_filter("labels", belongs)
    return F.transform_keys(mine, lambda label, _: F.regexp_replace(label, f"^{name}\\.", ""))


def _judge(path: Path, tests: TestFile, transitions: Sequence[Transition], not_there: set[str]) -> Report:
    passed, failures, skipped = 0, [], []
    tested = set()
    for number, test in enumerate(tests.tests):
        for expected in test.alert_rule_test:
            called = f" ({test.name})" if test.name else ""
            title = f"test {number + 1}{called}: {expected.alertname} at {_said(expected.eval_time)}"
            if expected.alertname in not_there:
                skipped.append(title)
                continue
            if expected.exp_alerts:
                tested.add(expected.alertname)
            wanted = [(one.exp_labels, one.exp_annotations) for one in expected.exp_alerts]
            found = _firing(transitions, str(number), expected.alertname, _at(expected.eval_time))
            difference = _difference(wanted, found)
            if difference is None:
                passed += 1
            else:
                failures.append(f"{path}: {title}\n{difference}")
    return Report(passed, tuple(failures), tuple(skipped), frozenset(tested))


def _firing(transitions: Sequence[Transition], test: str, name: str, at: int) -> list[Transition]:
    """The alerts of a test that are firing at that moment, as they were when they began to."""
    latest: dict[str, Transition] = {}
    for one in transitions:
        if one.labels.get(_TEST) == test and one.alert_name == name and _at(one.transition_time - BEGIN) <= at:
            latest[one.fingerprint] = one
    return [one for one in latest.values() if one.state == FIRING]


def _difference(
    wanted: Sequence[tuple[dict[str, str], dict[str, str] | None]], found: Sequence[Transition]
) -> str | None:
    left = [({k: v for k, v in one.labels.items() if k not in (_TEST, "alertname")}, one.annotations) for one in found]
    missing = []
    for labels, texts in wanted:
        match = next((one for one in left if one[0] == labels and texts in (None, one[1])), None)
        if match is None:
            missing.append((labels, texts))
        else:
            left.remove(match)
    if not missing and not left:
        return None
    lines = [f"  expected, but not firing: {_shown(*one)}" for one in missing]
    lines += [f"  firing, but not expected: {_shown(*one)}" for one in left]
    return "\n".join(lines)


def _shown(labels: dict[str, str], texts: dict[str, str] | None) -> str:
    shown = f"labels {json.dumps(labels, sort_keys=True)}"
    return shown if texts is None else f"{shown}, annotations {json.dumps(texts, sort_keys=True)}"


def _said(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes}m{seconds}s" if seconds else f"{minutes}m"
