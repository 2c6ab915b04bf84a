"""The year that a syslog time of RFC 3164 is of, which it does not say."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.sources.syslog.times import time_of


def test_the_year_is_right_about_new_year(spark: SparkSession) -> None:
    cases = (
        ("Dec 31 23:59:58", "2026-01-01 00:00:03", "2025-12-31 23:59:58"),
        ("Jan  1 00:00:01", "2026-01-01 00:00:03", "2026-01-01 00:00:01"),
        # The clock of the sender is ahead.
        ("Jan  1 00:00:02.25", "2025-12-31 23:59:59", "2026-01-01 00:00:02.25"),
        # It was a day in the queue.
        ("Dec 31 01:00:00", "2026-01-01 01:00:00", "2025-12-31 01:00:00"),
        ("Jan  2 00:00:00", "2026-01-01 00:00:03", "2026-01-02 00:00:00"),
        ("Jan  3 00:00:00", "2026-01-01 00:00:03", "2025-01-03 00:00:00"),
        ("Feb 29 12:00:00", "2026-01-01 00:00:03", "2024-02-29 12:00:00"),
        ("Feb 30 12:00:00", "2026-01-01 00:00:03", None),
        ("Jan  1 2026 00:00:01", "2026-03-01 00:00:00", "2026-01-01 00:00:01"),
        ("Jan 1 00:00:01 2024", "2026-03-01 00:00:00", "2024-01-01 00:00:01"),
        ("2026-01-01T00:00:01+02:00", "2026-01-01 00:00:03", "2025-12-31 22:00:01"),
        ("2026-01-01T00:00:01,5Z", "2026-01-01 00:00:03", "2026-01-01 00:00:01.5"),
    )
    rows = spark.createDataFrame(
        [(written, arrival) for written, arrival, _ in cases], "written string, arrival string"
    )

    found = rows.select(time_of(F.col("written"), F.col("arrival").cast("timestamp")).alias("at")).collect()

    assert [row["at"] for row in found] == [
        None if expected is None else datetime.fromisoformat(expected) for _, _, expected in cases
    ]
