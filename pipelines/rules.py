"""What a table contract promises beyond columns and types: row rules, and checks of the table as a whole.

Both are `quality` entries of the Open Data Contract Standard, of type `custom`. Of engine `spark` is a row rule, whose
`implementation` is a SQL condition and whose custom property `action` says what becomes of a row that breaks it. Of
engine `greatExpectations` is a check, whose `implementation` names its kind and parameters. `severity` says what a
failure means to `lakehouse check`. Nothing has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from open_data_contract_standard.model import DataQuality, SchemaObject

from pipelines.errors import ContractError
from pipelines.settings import parse_duration

Word = TypeVar("Word", bound=StrEnum)
ROW_ENGINE, CHECK_ENGINE = "spark", "greatExpectations"


class Action(StrEnum):
    """What becomes of a row that breaks a rule: it is written all the same and counted; it goes to quarantine; or the
    stream stops before it writes anything of the batch."""

    WARN = "warn"
    QUARANTINE = "quarantine"
    FAIL = "fail"


class Severity(StrEnum):
    """What a failed check means: exit code 1, or a line to look at."""

    CRITICAL = "critical"
    WARNING = "warning"


class Scope(StrEnum):
    """Where a referenced row is looked for: since the start of the window that is checked, or in the whole table."""

    WINDOW = "window"
    TABLE = "table"


@dataclass(frozen=True)
class RowRule:
    """`condition` is a Spark SQL expression that is true for a good row; `reason` is its code."""

    reason: str
    condition: str
    message: str
    action: Action
    severity: Severity


@dataclass(frozen=True)
class TableCheck:
    id: str
    message: str
    severity: Severity


@dataclass(frozen=True)
class Freshness(TableCheck):
    """The newest `column` is not older than `within`, a duration such as '30 minutes'."""

    column: str
    within: str


@dataclass(frozen=True)
class Volume(TableCheck):
    """Rows of an hour, as a share of what the same hour had in the mean of up to `weeks` weeks before."""

    weeks: int
    at_least: float
    at_most: float


@dataclass(frozen=True)
class Unique(TableCheck):
    columns: list[str]


@dataclass(frozen=True)
class NullRate(TableCheck):
    """The share of rows in which `column` is null is not above `at_most`. Required columns need no such check."""

    column: str
    at_most: float


@dataclass(frozen=True)
class Reference(TableCheck):
    """The values of `columns` are found in the columns of the same names of table `to`."""

    columns: list[str]
    to: str
    scope: Scope


_KINDS: dict[str, type[TableCheck]] = {
    "freshness": Freshness, "volume": Volume, "unique": Unique, "null_rate": NullRate, "reference": Reference,
}  # fmt: skip


def row_rules(table: str, schema: SchemaObject) -> tuple[RowRule, ...]:
    """Raises ContractError for what is missing or unknown, with table, rule, value and what would be right."""
    return tuple(_row_rule(table, entry) for entry in schema.quality or () if _engine(table, entry) == ROW_ENGINE)


def table_checks(table: str, schema: SchemaObject, columns: tuple[str, ...]) -> tuple[TableCheck, ...]:
    """Raises ContractError for what is missing or unknown, columns included."""
    entries = [entry for entry in schema.quality or () if _engine(table, entry) == CHECK_ENGINE]
    return tuple(_check(table, entry, columns) for entry in entries)


def _row_rule(table: str, entry: DataQuality) -> RowRule:
    action = next((custom.value for custom in entry.customProperties or () if custom.property == "action"), None)
    return RowRule(
        reason=str(entry.id),
        condition=str(entry.implementation),
        message=str(entry.description),
        action=_word(table, entry, "action", action, Action),
        severity=_word(table, entry, "severity", entry.severity, Severity),
    )


def _check(table: str, entry: DataQuality, columns: tuple[str, ...]) -> TableCheck:
    if not isinstance(entry.implementation, dict):
        raise ContractError(f"{_at(table, entry)}: implementation should be `check: <kind>` and its parameters")
    parameters: dict[str, Any] = dict(entry.implementation)
    kind = _KINDS.get(str(parameters.pop("check", None)))
    if kind is None:
        found = entry.implementation.get("check")
        raise ContractError(f"{_at(table, entry)}: check is {found!r}; it should be one of: {', '.join(_KINDS)}")
    wanted = {field.name for field in fields(kind)} - {field.name for field in fields(TableCheck)}
    if set(parameters) != wanted:
        raise ContractError(
            f"{_at(table, entry)}: {entry.implementation['check']} has the parameters "
            f"{', '.join(sorted(parameters)) or 'none'}; it should have {', '.join(sorted(wanted))}"
        )
    _check_parameters(table, entry, parameters, columns)
    if "scope" in parameters:
        parameters["scope"] = _word(table, entry, "scope", parameters["scope"], Scope)
    severity = _word(table, entry, "severity", entry.severity, Severity)
    return kind(id=str(entry.id), message=str(entry.description), severity=severity, **parameters)


def _check_parameters(table: str, entry: DataQuality, parameters: Mapping[str, Any], columns: tuple[str, ...]) -> None:
    named = [parameters["column"]] if "column" in parameters else parameters.get("columns", [])
    unknown = [name for name in named if name not in columns]
    if unknown:
        raise ContractError(f"{_at(table, entry)}: the table has no column {', '.join(map(str, unknown))}")
    if "within" in parameters:
        try:
            parse_duration(parameters["within"])
        except ValueError as error:
            raise ContractError(f"{_at(table, entry)}: within is {parameters['within']!r}: {error}") from error


def _engine(table: str, entry: DataQuality) -> str:
    if entry.engine not in (ROW_ENGINE, CHECK_ENGINE):
        raise ContractError(
            f"{_at(table, entry)}: engine is {entry.engine!r}; it should be {ROW_ENGINE} or {CHECK_ENGINE}"
        )
    return entry.engine


def _word(table: str, entry: DataQuality, name: str, value: object, words: type[Word]) -> Word:
    known = [word.value for word in words]
    if value not in known:
        said = "is missing" if value is None else f"is {value!r}"
        raise ContractError(f"{_at(table, entry)}: {name} {said}; it should be one of: {', '.join(known)}")
    return words(str(value))


def _at(table: str, entry: DataQuality) -> str:
    return f"contract of table {table}: rule {entry.id}"
