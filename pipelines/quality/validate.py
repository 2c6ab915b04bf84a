"""`lakehouse check`: tables against what their contracts let expect of them, over a window of time.

Each table's window is read once and kept while it is looked at; its expectations are worked out in one pass. Results go
to gold.quality_checks, and to Data Docs. Where there are no rows nothing has passed: it is said that there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import QualityError
from pipelines.quality.expectations import Check, checks_of, view_name
from pipelines.quality.great_expectations_context import Validator
from pipelines.quality.window import Window, hourly_volumes, measured
from pipelines.rules import Freshness, Reference, Scope, Severity, Volume
from pipelines.settings import Settings
from pipelines.tables import Table, all_contracts, contract, ensure_table, read_table, save_table, table_exists

RESULTS = contract("gold.quality_checks")


class Status(StrEnum):
    """`error`: it could not be evaluated. `no_data`: no row to judge by. `no_history`: no former week to compare."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NO_DATA = "no_data"
    NO_HISTORY = "no_history"


@dataclass(frozen=True)
class CheckResult:
    """One row of gold.quality_checks, in its order of columns."""

    run_id: str
    table: str
    check: str
    checked_at: datetime
    window_start: datetime
    window_end: datetime
    severity: Severity
    status: Status
    expected: str
    observed: str | None
    message: str
    rows: int

    @property
    def is_broken(self) -> bool:
        return self.status in (Status.FAILED, Status.ERROR)


@dataclass(frozen=True)
class Run:
    """What one `lakehouse check` has in common for all of its tables."""

    spark: SparkSession
    settings: Settings
    window: Window
    validator: Validator
    begun: datetime

    def result(self, table: Table, check: Check, status: Status, observed: str | None, rows: int) -> CheckResult:
        return CheckResult(
            *(self.validator.run_id, table.full_name, check.id, self.begun, self.window.since, self.window.until),
            *(check.severity, status, check.expected, observed, check.message, rows),
        )


def checkable(names: tuple[str, ...] = ()) -> tuple[Table, ...]:
    """The tables of these names, or all that can be checked. Raises QualityError for a name that is none of them."""
    known = {table.full_name: table for table in all_contracts() if table.time_column is not None}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise QualityError(f"table {', '.join(unknown)} cannot be checked; those that can are: {', '.join(known)}")
    return tuple(known[name] for name in names or known)


def check_tables(
    spark: SparkSession,
    settings: Settings,
    tables: tuple[Table, ...],
    window: Window,
    parameters: Mapping[str, str],
    tell: Callable[[str], None],
) -> tuple[CheckResult, ...]:
    """Check the tables that there are, keep the results and build Data Docs. `tell` hears what is looked at."""
    begun = datetime.now(UTC)
    run = Run(spark, settings, window, Validator.of(settings, f"{begun:%Y%m%dT%H%M%S.%fZ}"), begun)
    results: list[CheckResult] = []
    for table in tables:
        tell(f"checking {table.full_name}")
        results += _check_table(run, table, checks_of(table, parameters, window.until))
    tell("keeping the results")
    _keep(run, results)
    run.validator.build_docs()
    return tuple(results)


def _check_table(run: Run, table: Table, checks: tuple[Check, ...]) -> list[CheckResult]:
    if not table_exists(run.spark, run.settings, table):
        return [run.result(table, check, Status.NO_DATA, "the table has not been made yet", 0) for check in checks]
    assert table.time_column is not None
    rows = read_table(run.spark, run.settings, table)
    of_rows = tuple(check for check in checks if not isinstance(check.source, Volume))
    inside = rows.where(run.window.holds(F.col(table.time_column))).transform(measured, of_rows).persist()
    try:
        count = inside.count()
        if count:
            found = _check_rows(run, table, of_rows, inside, count)
        else:
            found = _check_without_rows(run, table, of_rows, rows)
    finally:
        inside.unpersist()
    volumes = (check for check in checks if isinstance(check.source, Volume))
    return [*found, *(result for check in volumes for result in _check_volume(run, table, check, rows, count))]


def _check_rows(run: Run, table: Table, checks: tuple[Check, ...], inside: DataFrame, count: int) -> list[CheckResult]:
    for check in checks:
        if isinstance(check.source, Reference):
            _show(run, check.source)
    return _validate(run, table, table.full_name, checks, inside, count)


def _check_without_rows(run: Run, table: Table, checks: tuple[Check, ...], rows: DataFrame) -> list[CheckResult]:
    """Nothing to judge by but how old the newest row is, if the table has any."""
    fresh = tuple(check for check in checks if isinstance(check.source, Freshness))
    others = [run.result(table, check, Status.NO_DATA, None, 0) for check in checks if check not in fresh]
    columns = {check.source.column for check in fresh if isinstance(check.source, Freshness)}
    newest = rows.agg(F.lit(0), *(F.max(column).alias(column) for column in columns))
    if not fresh or None in tuple(newest.first() or (None,)):
        return [*others, *(run.result(table, check, Status.NO_DATA, None, 0) for check in fresh)]
    return [*others, *_validate(run, table, f"{table.full_name} newest row", fresh, measured(newest, fresh), 0)]


def _check_volume(run: Run, table: Table, check: Check, rows: DataFrame, count: int) -> list[CheckResult]:
    assert table.time_column is not None
    assert isinstance(check.source, Volume)
    hours = run.window.whole_hours()
    if hours is None:
        return [run.result(table, check, Status.NO_DATA, "no whole hour in the window", count)]
    volumes = hourly_volumes(rows, table.time_column, hours, check.source).persist()
    try:
        if volumes.isEmpty():
            return [run.result(table, check, Status.NO_HISTORY, None, count)]
        return _validate(run, table, f"{table.full_name} hourly volume", (check,), volumes, count)
    finally:
        volumes.unpersist()


def _validate(
    run: Run, table: Table, suite: str, checks: tuple[Check, ...], rows: DataFrame, count: int
) -> list[CheckResult]:
    by_id = {check.id: check for check in checks}
    expectations = [check.expectation.copy(update={"meta": {"check": check.id}}) for check in checks]
    results = []
    for found in run.validator.validate(suite, rows, expectations).results:
        assert found.expectation_config is not None
        check = by_id[found.expectation_config.meta["check"]]
        error = _error(found.exception_info)
        status = Status.ERROR if error else Status.PASSED if found.success else Status.FAILED
        results.append(run.result(table, check, status, error or _observed(check, found.result), count))
    return sorted(results, key=lambda result: list(by_id).index(result.check))


def _observed(check: Check, result: Mapping[str, Any]) -> str:
    """What was found, in words."""
    if isinstance(check.source, Volume):
        shares = ", ".join(f"{share:.0%}" for share in result["partial_unexpected_list"][:5])
        outside = result["unexpected_count"]
        return f"{outside} of {result['element_count']} hours outside" + (f": {shares}" if outside else "")
    value = result.get("observed_value")
    if value is None:
        return "nothing"
    if isinstance(check.source, Freshness):
        return f"{value:,.0f} s old"
    if isinstance(check.source, Reference):
        return f"{value:,} not found"
    return f"{value:.4%}" if value < 1 else "100%"


def _error(info: Mapping[str, Any] | None) -> str | None:
    """The message of an expectation that could not be evaluated."""
    if not info:
        return None
    raised = [info] if "raised_exception" in info else list(info.values())
    found = next((one for one in raised if one.get("raised_exception")), None)
    return None if found is None else " ".join(str(found["exception_message"]).split())[:300]


def _show(run: Run, check: Reference) -> None:
    """Make the referenced table's rows visible to SQL."""
    there = contract(check.to)
    if table_exists(run.spark, run.settings, there):
        rows = read_table(run.spark, run.settings, there)
    else:
        rows = run.spark.createDataFrame([], ", ".join(f"`{column.name}` {column.type}" for column in there.columns))
    if check.scope is Scope.WINDOW and there.time_column is not None:
        rows = rows.where(F.col(there.time_column) >= F.lit(run.window.since))
    rows.createOrReplaceTempView(view_name(check))


def _keep(run: Run, results: list[CheckResult]) -> None:
    ensure_table(run.spark, run.settings, RESULTS)
    schema = ", ".join(f"`{column.name}` {column.type}" for column in RESULTS.columns)
    frame = run.spark.createDataFrame([astuple(result) for result in results], schema).coalesce(1)
    save_table(frame.write.mode("append"), run.settings, RESULTS)
