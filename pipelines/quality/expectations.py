"""A table's contract → its expectations (Great Expectations), of the rows of a window and of its hourly volumes.

Nearly all are aggregates, so that the engine works them out in one pass over the window. What no column says is
measured by a SQL expression, which becomes a column of the window by the name that the expectation asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Any

import great_expectations.expectations.core as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from pipelines.quality.row_rules import bind
from pipelines.rules import Action, Freshness, NullRate, Reference, RowRule, Severity, TableCheck, Unique, Volume
from pipelines.settings import parse_duration
from pipelines.tables import Table

# Columns of the frame that volumes are expected of, besides `hour`.
ROWS, USUAL, SHARE = "rows", "usual rows", "share of the usual"


@dataclass(frozen=True)
class Check:
    """One expectation, and what a report says of it. `expected` is in words; `message` is what a failure means.

    measures: SQL of the columns that the window needs for it, by their names.
    """

    id: str
    severity: Severity
    message: str
    expected: str
    expectation: Expectation
    measures: tuple[tuple[str, str], ...] = ()
    source: TableCheck | RowRule | None = None  # None: that a column is required


def checks_of(table: Table, parameters: Mapping[str, str], as_of: datetime) -> tuple[Check, ...]:
    """All that the contract lets expect of the rows of a window, and of volumes. `as_of`: when freshness is judged.

    Rules that warn are not among them: their rows are counted in gold.quality, and are allowed.
    """
    required = [_required(column.name) for column in table.columns if column.required]
    rules = [_kept(rule, parameters) for rule in table.rules if rule.action is not Action.WARN]
    return (*required, *rules, *(_check(check, as_of) for check in table.checks))


def _required(column: str) -> Check:
    return Check(
        f"required_{column}",
        Severity.CRITICAL,
        f"{column} is null, which the contract does not allow",
        "no nulls",
        _not_null(column, 1.0, f"{column} is never null", Severity.CRITICAL),
        ((column, f"`{column}`"),),
    )


def _kept(rule: RowRule, parameters: Mapping[str, str]) -> Check:
    name = f"keeps {rule.reason}"
    expectation = _not_null(name, 1.0, f"every row keeps {rule.reason}: {rule.condition}", rule.severity)
    kept = f"CASE WHEN coalesce({bind(rule, parameters)}, false) THEN 1 END"
    return Check(rule.reason, rule.severity, rule.message, "all rows keep it", expectation, ((name, kept),), rule)


@singledispatch
def _check(check: TableCheck, as_of: datetime) -> Check:
    raise NotImplementedError(type(check))


@_check.register
def _freshness(check: Freshness, as_of: datetime) -> Check:
    name, seconds = age_column(check), parse_duration(check.within).total_seconds()
    expectation = gxe.ExpectColumnMinToBeBetween(
        column=name,
        max_value=seconds,
        **_common(check, f"the newest {check.column} is not older than {check.within}"),
    )
    age = f"unix_seconds(TIMESTAMP '{as_of.isoformat()}') - unix_seconds(`{check.column}`)"
    return _of(check, f"not older than {check.within}", expectation, ((name, age),))


@_check.register
def _unique(check: Unique, as_of: datetime) -> Check:
    names = ", ".join(check.columns)
    name = names if len(check.columns) == 1 else f"key ({names})"
    key = ", ".join(f"`{column}`" for column in check.columns)
    expectation = gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(
        column=name, min_value=1.0, **_common(check, f"no two rows have the same {names}")
    )
    measure = key if len(check.columns) == 1 else f"struct({key})"
    return _of(check, f"{names} unique", expectation, ((name, measure),))


@_check.register
def _null_rate(check: NullRate, as_of: datetime) -> Check:
    said = f"{check.column} is null in at most {check.at_most:.0%} of the rows"
    expectation = _not_null(check.column, 1.0 - check.at_most, said, check.severity)
    return _of(check, f"at most {check.at_most:.0%} nulls", expectation, ((check.column, f"`{check.column}`"),))


@_check.register
def _reference(check: Reference, as_of: datetime) -> Check:
    names = ", ".join(check.columns)
    same = " AND ".join(f"there.`{column}` = here.`{column}`" for column in check.columns)
    selected = ", ".join(f"here.`{column}`" for column in check.columns)
    query = (
        f"SELECT DISTINCT {selected} FROM {{batch}} AS here "
        f"WHERE NOT EXISTS (SELECT 1 FROM {view_name(check)} AS there WHERE {same})"
    )
    expectation = gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=query, **_common(check, f"every {names} is in {check.to}")
    )
    return _of(check, f"every {names} in {check.to}", expectation, tuple((name, f"`{name}`") for name in check.columns))


@_check.register
def _volume(check: Volume, as_of: datetime) -> Check:
    said = f"{check.at_least:.0%} to {check.at_most:.0%} of the same hour of up to {check.weeks} weeks before"
    expectation = gxe.ExpectColumnValuesToBeBetween(
        column=SHARE, min_value=check.at_least, max_value=check.at_most, **_common(check, f"each hour has {said}")
    )
    return _of(check, said, expectation)


def view_name(check: Reference) -> str:
    """The temporary view that a reference is looked up in."""
    return f"referenced_{check.to.replace('.', '_')}_{check.scope}"


def age_column(check: Freshness) -> str:
    """Seconds since a column's time, as the window has it."""
    return f"age of {check.column} [s]"


def _of(
    check: TableCheck, expected: str, expectation: Expectation, measures: tuple[tuple[str, str], ...] = ()
) -> Check:
    return Check(check.id, check.severity, check.message, expected, expectation, measures, check)


def _not_null(column: str, at_least: float, said: str, severity: Severity) -> Expectation:
    return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
        column=column, min_value=at_least, description=said, severity=FailureSeverity(severity)
    )


def _common(check: TableCheck, said: str) -> dict[str, Any]:
    return {"description": said, "severity": FailureSeverity(check.severity)}
