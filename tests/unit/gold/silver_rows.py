"""Rows of tables made by hand: what a test says, and null, or what is of no consequence, in all other columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import Table, parse_type

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_GIVEN: Mapping[str, Any] = {
    "kafka_timestamp": NOON, "ingest_time": NOON, "topic": "t", "partition": 0, "offset": 0, "item": 0, "part": 0,
}  # fmt: skip


def frame(spark: SparkSession, table: Table, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Each row a mapping of some columns."""
    rows = list(rows)
    unknown = {name for row in rows for name in row} - set(table.column_names)
    assert not unknown, unknown
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], schema)


def silver(
    spark: SparkSession, table: Table, rows: Iterable[Mapping[str, Any]], identity: str = "event_id"
) -> DataFrame:
    """The same, with a position in Kafka where the table has one; without an `identity`, its number."""
    given = {name: value for name, value in _GIVEN.items() if name in table.column_names}
    return frame(spark, table, [{identity: f"e{number}", **given, **row} for number, row in enumerate(rows)])


def wrong_types(rows: DataFrame, table: Table) -> dict[str, tuple[str, str]]:
    """Column → its type and that of the contract, where these differ: Delta would refuse them."""
    wanted = {column.name: parse_type(column.type).simpleString() for column in table.columns}
    found = {field.name: field.dataType.simpleString() for field in rows.schema}
    return {name: (found.get(name, "none"), type_) for name, type_ in wanted.items() if found.get(name) != type_}


def collected(rows: DataFrame) -> list[dict[str, Any]]:
    """As dictionaries, all times in UTC: Spark gives them without a zone, in that of this process."""
    return [{key: _aware(value) for key, value in row.asDict(recursive=True).items()} for row in rows.collect()]


def after(seconds: float, start: datetime = NOON) -> datetime:
    return start + timedelta(seconds=seconds)


def _aware(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, dict):
        return {key: _aware(one) for key, one in value.items()}
    return [_aware(one) for one in value] if isinstance(value, list) else value
