"""Rows of silver made by hand: a table's columns, those that are not named null or of no consequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import Table

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_GIVEN: Mapping[str, Any] = {
    "kafka_timestamp": NOON, "ingest_time": NOON, "topic": "t", "partition": 0, "offset": 0, "item": 0, "part": 0,
}  # fmt: skip


def silver(
    spark: SparkSession,
    table: Table,
    rows: Iterable[Mapping[str, Any]],
    identity: str = "event_id",
) -> DataFrame:
    """Each row a mapping of some columns; without an `identity`, its number."""
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    unknown = {name for row in rows for name in row} - set(table.column_names)
    assert not unknown, unknown
    given = [{identity: f"e{number}", **_GIVEN, **row} for number, row in enumerate(rows)]
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in given], schema)


def after(seconds: float, start: datetime = NOON) -> datetime:
    return start + timedelta(seconds=seconds)
