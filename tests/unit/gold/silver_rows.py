"""Rows of tables made by hand: what a test says, and null in all other columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import Table, parse_type


def frame(spark: SparkSession, table: Table, rows: Iterable[dict[str, Any]]) -> DataFrame:
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], schema)


def wrong_types(rows: DataFrame, table: Table) -> dict[str, tuple[str, str]]:
    """Column → its type and that of the contract, where these differ: Delta would refuse them."""
    wanted = {column.name: parse_type(column.type).simpleString() for column in table.columns}
    found = {field.name: field.dataType.simpleString() for field in rows.schema}
    return {name: (found.get(name, "none"), type_) for name, type_ in wanted.items() if found.get(name) != type_}


def collected(rows: DataFrame) -> list[dict[str, Any]]:
    """As dictionaries, all times in UTC: Spark gives them without a zone, in that of this process."""
    return [{key: _aware(value) for key, value in row.asDict(recursive=True).items()} for row in rows.collect()]


def _aware(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, dict):
        return {key: _aware(one) for key, one in value.items()}
    return [_aware(one) for one in value] if isinstance(value, list) else value
