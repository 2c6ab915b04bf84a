"""gold.metric_rollup of some windows made anew from silver.metrics, beside its stream.

A window is worked out by the very code of the stream, from all rows that the stream has counted in it and from no
others: those that it has not read yet it will add. So what was worked out by a version of the table goes in place of
that version's windows alone. If the stream has counted more in them meanwhile, they are worked out again: before the
commit that shows in their points, which only grow, and within it in Delta's conflict.

Counts, sums, minima and maxima are those of the stream, sums but for the order of addition. Percentiles are too as long
as a window has at most 200 values, which a sketch keeps as they are; of more it keeps a random choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from delta.exceptions import ConcurrentAppendException
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.errors import StorageError
from pipelines.gold import metric_rollup
from pipelines.gold.bookmark import newest
from pipelines.operations.replay.aside import Aside
from pipelines.operations.replay.compare import Change, change_of_windows
from pipelines.operations.replay.counted import PLACE, counted_at, uncounted
from pipelines.operations.replay.span import Span
from pipelines.operations.replay.windows import Windows
from pipelines.routing import METRICS
from pipelines.settings import Settings
from pipelines.tables import load_table, read_table, save_table

TABLE = metric_rollup.TABLE
_OWN = ("updated_at", "sketch")
_QUANTILES = ("p50", "p95", "p99")
# Of the sketches, which keep so many values as they are (k of Spark's kll_sketch_agg_double).
_EXACT = 200
_ATTEMPTS = 10
_PAUSE_SECONDS = 0.5
_MOVED = "the stream has counted more in these windows"


@dataclass(frozen=True)
class Replayed:
    """`metrics_at`: a version of silver.metrics → its rows as they are, or are to be, after the replay of `span`."""

    spark: SparkSession
    settings: Settings
    span: Span
    metrics_at: Callable[[int], DataFrame]


@dataclass(frozen=True)
class Part:
    """Windows, their new rows in folder `rows`, and the points that the table had in them when those were made."""

    windows: Windows
    rows: str
    points: int
    change: Change


def stage(replayed: Replayed, aside: Aside, windows: Windows, number: int) -> Part:
    """Work out the windows, and write them aside. StorageError: the stream has not counted the span yet."""
    spark, settings = replayed.spark, replayed.settings
    version, position = counted_at(spark, settings)
    until = newest(spark, settings, METRICS).version
    rows = replayed.metrics_at(until).where(windows.within("event_time"))
    if position is None:
        rows = rows.limit(0)
    else:
        not_yet = uncounted(spark, settings, position, until)
        _check_read(not_yet, replayed.span)
        rows = rows.join(not_yet, _same_place(rows, not_yet), "left_anti")
    new = metric_rollup.combine(metric_rollup.samples_of(rows)).withColumn("updated_at", F.current_timestamp())
    folder = aside.rows_of(f"{TABLE.full_name}.{number}")
    new.select(*TABLE.column_names).write.mode("overwrite").parquet(folder)
    old = load_table(spark.read.option("versionAsOf", version), settings, TABLE).where(windows.within("window_start"))
    points = old.agg(F.coalesce(F.sum("points"), F.lit(0))).collect()[0][0]
    staged = spark.read.parquet(folder)
    change = change_of_windows(TABLE.full_name, TABLE.keys, _OWN, _exact(old), _exact(staged))
    return Part(windows, folder, int(points), change)


def swap(replayed: Replayed, aside: Aside, part: Part, number: int) -> None:
    """Put the windows in place, in one commit. StorageError: the stream counted more in them each time."""
    parts = [part]

    def attempt() -> None:
        if not parts:
            parts.append(stage(replayed, aside, part.windows, number))
        _write(replayed, parts.pop())

    retried(attempt, TABLE.full_name, _ATTEMPTS, _PAUSE_SECONDS)


def _write(replayed: Replayed, part: Part) -> None:
    spark, settings, within = replayed.spark, replayed.settings, part.windows.within("window_start")
    points = F.coalesce(F.sum("points"), F.lit(0)).alias("points_now")
    now = read_table(spark, settings, TABLE).where(within).agg(points)
    refused = F.raise_error(F.lit(_MOVED)).cast("bigint")
    is_same = F.col("points_now") == F.lit(part.points)
    rows = spark.read.parquet(part.rows).crossJoin(F.broadcast(now))
    rows = rows.withColumn("points", F.when(is_same, F.col("points")).otherwise(refused)).select(*TABLE.column_names)
    writer = rows.repartitionByRange("granularity", "window_start").write.mode("overwrite")
    try:
        save_table(writer.option("replaceWhere", within), settings, TABLE)
    except PySparkException as error:
        if _MOVED not in str(error):
            raise
        raise ConcurrentAppendException(_MOVED, None) from error


def _check_read(not_yet: DataFrame, span: Span) -> None:
    missing = not_yet.where(span.condition).count()
    if missing:
        raise StorageError(
            f"stream {metric_rollup.QUERY} has not read {missing:,} measurements of {span} yet: let it catch up "
            "(`lakehouse run gold --trigger available-now`), or choose an earlier --to"
        )


def _same_place(rows: DataFrame, others: DataFrame) -> list[Column]:
    return [rows[name].eqNullSafe(others[name]) for name in PLACE]


def _exact(rows: DataFrame) -> DataFrame:
    """Without the percentiles of more values than a sketch keeps."""
    return rows.withColumns({name: F.when(F.col("points") <= _EXACT, F.col(name)) for name in _QUANTILES})
