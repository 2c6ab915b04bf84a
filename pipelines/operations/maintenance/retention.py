"""Rows that are older than their contract wants them kept: deleted by whole days.

A row is old when it happened and arrived before the horizon, the midnight that many days ago: old records that are
loaded today stay as long as any other. Streams skip commits that remove, and gold that was worked out from a day stays:
the day is noted in gold.deleted_days before its rows go (`pipelines.gold.daily` leaves such days alone).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.gold.deleted_days import note_deleted
from pipelines.operations.maintenance.record import DONE, NOTHING, Effect
from pipelines.operations.maintenance.size import size_of_table
from pipelines.settings import Settings
from pipelines.tables import Table, delta_table, read_table

_HAPPENED, _DAY = "event_time", "day"
_ARRIVED = ("ingest_time", "scored_at")


def time_columns(table: Table) -> tuple[str, ...]:
    """What all must be before the horizon; the first places a row in a day. None: the table is kept as a whole."""
    if table.retention_column is not None:
        return (table.retention_column,)
    if _HAPPENED in table.column_names:
        return (_HAPPENED, *(name for name in _ARRIVED if name in table.column_names))
    if table.time_column is not None:
        return (table.time_column,)
    return (_DAY,) if _DAY in table.column_names else ()


def horizon(table: Table, now: datetime) -> date:
    """The first day that is kept (UTC)."""
    return (now - timedelta(days=table.retention_days)).date()


def delete_old(spark: SparkSession, settings: Settings, table: Table, now: datetime) -> Effect:
    """Raises StorageError if another commit was faster each time."""
    before = size_of_table(spark, settings, table)
    columns = time_columns(table)
    if not columns:
        return Effect(before, before, 0, "kept as a whole: no column tells its age")
    kept_from = f"TIMESTAMP'{horizon(table, now)} 00:00:00'"
    is_old = " AND ".join(f"`{name}` < {kept_from}" for name in columns)
    day = F.to_date(columns[0])
    old = read_table(spark, settings, table).where(is_old).groupBy(day.alias("day")).count().collect()
    if not old:
        return Effect(before, before, 0, NOTHING)
    note_deleted(spark, settings, table, columns[0], (row["day"] for row in old))
    delta = delta_table(spark, settings, table)
    retried(lambda: delta.delete(is_old), table.full_name)
    return Effect(before, size_of_table(spark, settings, table), sum(row["count"] for row in old), DONE)
