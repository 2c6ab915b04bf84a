"""What the tests of the inventory share: rows of silver tables by the columns that matter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.tables import contract

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def minutes(time: datetime | None) -> float | None:
    """Spark gives times without a zone, in that of this process."""
    return None if time is None else (time.astimezone(UTC) - NOON).total_seconds() / 60


class Silver(Protocol):
    def __call__(self, table: str, *rows: Mapping[str, Any]) -> DataFrame: ...


@pytest.fixture(scope="session")
def silver(spark: SparkSession) -> Silver:
    """Rows of a silver table: what is not given is null, times are noon."""

    def make(table: str, *rows: Mapping[str, Any]) -> DataFrame:
        columns = contract(f"silver.{table}").columns
        schema = ", ".join(f"`{column.name}` {column.type}" for column in columns)
        usual = {"event_time": NOON, "kafka_timestamp": NOON, "ingest_time": NOON, "source": table}
        return spark.createDataFrame([tuple({**usual, **row}.get(c.name) for c in columns) for row in rows], schema)

    return make
