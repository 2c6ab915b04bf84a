"""Rows of tables made by hand: what a test says, and null in all other columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import Table


def frame(spark: SparkSession, table: Table, rows: Iterable[dict[str, Any]]) -> DataFrame:
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], schema)


def collected(rows: DataFrame) -> list[dict[str, Any]]:
    """As dictionaries, all times in UTC: Spark gives them without a zone, in that of this process."""
    return [{key: _aware(value) for key, value in row.asDict(recursive=True).items()} for row in rows.collect()]


def _aware(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, dict):
        return {key: _aware(one) for key, one in value.items()}
    return [_aware(one) for one in value] if isinstance(value, list) else value
