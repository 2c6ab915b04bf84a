"""gold.log_patterns: which kinds of log messages are new, which are frequent, and which have gone quiet?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from pipelines.views import view

VIEW = view("gold.log_patterns")
PATTERN = {
    "template": "disk <*> failed", "source": "s", "logger": "kernel", "resources": 2, "example": "disk 7 failed",
    "updated_at": datetime(2026, 3, 10, tzinfo=UTC),
}  # fmt: skip
ROWS = [
    PATTERN | {"pattern_id": "three days", "severity_number": 17, "count": 30,
               "first_seen": datetime(2026, 3, 1, 23, tzinfo=UTC), "last_seen": datetime(2026, 3, 3, 1, tzinfo=UTC)},
    PATTERN | {"pattern_id": "once", "severity_number": None, "count": 1,
               "first_seen": datetime(2026, 3, 1, 23, tzinfo=UTC), "last_seen": datetime(2026, 3, 1, 23, tzinfo=UTC)},
]  # fmt: skip
QUERY = (
    "SELECT pattern_id, severity, first_day, last_day, days_seen, records, records_per_day FROM ({}) ORDER BY records"
)


def by_duckdb(_spark: SparkSession | None) -> list[Any]:
    with duckdb.connect(":memory:") as connection:
        connection.register("told", pa.Table.from_pylist(ROWS))
        connection.execute("SET TimeZone = 'UTC'; CREATE VIEW patterns AS SELECT * FROM told")
        return connection.execute(QUERY.format(VIEW.sql("patterns"))).fetchall()


def by_spark(spark: SparkSession | None) -> list[Any]:
    assert spark is not None
    patterns = spark.createDataFrame(pa.Table.from_pylist(ROWS))
    return [tuple(row) for row in spark.sql(QUERY.format(VIEW.sql("{base}")), base=patterns).collect()]


@pytest.mark.parametrize("ask", [by_duckdb, by_spark])
def test_how_often_does_a_pattern_come_and_since_when(
    ask: Callable[[SparkSession | None], list[Any]], request: pytest.FixtureRequest
) -> None:
    found = ask(request.getfixturevalue("spark") if ask is by_spark else None)

    assert found == [
        ("once", None, date(2026, 3, 1), date(2026, 3, 1), 1, 1, 1.0),
        ("three days", "ERROR", date(2026, 3, 1), date(2026, 3, 3), 3, 30, 10.0),
    ]
