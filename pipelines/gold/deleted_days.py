"""Days of a table whose rows retention has deleted: what was worked out from them stays, and is not worked out again.

A deletion is a change like any other to the change data feed, and a late row of a day that is mostly gone would be
taken for all of it. So a day is noted here before its rows go. A run that is killed in between has noted a day too
early, and the next one deletes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.settings import Settings
from pipelines.tables import Table, contract, ensure_table, read_table, save_table, table_exists

TABLE = contract("gold.deleted_days")


def deleted_days(spark: SparkSession, settings: Settings, table: Table, time_column: str) -> set[date]:
    """The days of `time_column` (UTC) that `table` has lost rows of; none where nothing was ever deleted."""
    if not table_exists(spark, settings, TABLE):
        return set()
    noted = read_table(spark, settings, TABLE)
    noted = noted.where((F.col("table_name") == table.full_name) & (F.col("time_column") == time_column))
    return {row["day"] for row in noted.select("day").collect()}


def note_deleted(spark: SparkSession, settings: Settings, table: Table, time_column: str, days: Iterable[date]) -> None:
    """Note `days` before their rows are deleted; one that is noted already is left as it is."""
    ensure_table(spark, settings, TABLE)
    new = sorted(set(days) - deleted_days(spark, settings, table, time_column))
    if not new:
        return
    now = datetime.now(UTC)
    rows = [(table.full_name, time_column, day, now) for day in new]
    frame = spark.createDataFrame(rows, ", ".join(f"`{column.name}` {column.type}" for column in TABLE.columns))
    save_table(frame.coalesce(1).write.mode("append"), settings, TABLE)
