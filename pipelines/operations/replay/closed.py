"""Whether a span is over: bronze will write no more of it, has all of it, and the silver stream has read it all."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import DataFrameReader, SparkSession

from pipelines import bronze, silver
from pipelines.errors import StorageError
from pipelines.gold.bookmark import newest
from pipelines.gold.deleted_days import deleted_days
from pipelines.operations.beside_streams import wait_for_batch
from pipelines.operations.maintenance.readers import positions
from pipelines.operations.replay.span import Span
from pipelines.settings import Settings
from pipelines.tables import load_table

# How long a running batch may take.
_BATCH_SECONDS = 120.0


def check_closed(spark: SparkSession, settings: Settings, span: Span) -> None:
    """Wait for the running batches, then check. Raises StorageError, which says what is missing, or StreamError."""
    if span.end > datetime.now(UTC):
        raise StorageError(f"the span {span} is not over yet: choose --to in the past")
    lost = [day for day in deleted_days(spark, settings, bronze.TABLE, "ingest_time") if day >= span.start.date()]
    if lost:
        raise StorageError(
            f"bronze.telemetry no longer holds what arrived up to {max(lost)}, which was older than its retention: "
            "choose --from after that day"
        )
    for query in (bronze.QUERY, silver.QUERY):
        wait_for_batch(settings, query, _BATCH_SECONDS)
    unread = _unread(spark, settings, span)
    if unread:
        raise StorageError(
            f"stream {silver.QUERY} has not read {unread:,} values of {span} yet: let it catch up (`lakehouse run "
            f"{silver.QUERY} --trigger available-now`), or choose an earlier --to"
        )


def _unread(spark: SparkSession, settings: Settings, span: Span) -> int:
    """Values of the span that silver has not read."""
    now = newest(spark, settings, bronze.TABLE)
    reads = [one for one in positions(settings) if (one.query, one.table_id) == (silver.QUERY, now.table_id)]
    if reads and not reads[0].is_first and reads[0].version > now.version:
        return 0
    there = _values(spark.read, settings, span)
    if not reads or reads[0].is_first or reads[0].version == 0:
        return there
    return there - _values(spark.read.option("versionAsOf", reads[0].version - 1), settings, span)


def _values(reader: DataFrameReader, settings: Settings, span: Span) -> int:
    return load_table(reader, settings, bronze.TABLE).where(span.condition).count()
