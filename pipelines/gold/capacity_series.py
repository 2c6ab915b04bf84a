"""gold.metric_rollup → one row a series that has a capacity, with all of its past in two arrays.

A series of a bucket goes to Python as one row, so what a worker holds is bounded by series · hours of history · 16
bytes: of 10,000 series and 28 days 110 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.metric_rollup import HOUR, MINUTE

DESCRIPTION = (
    "source", "cloud_provider", "resource_id", "host_name", "namespace", "metric", "unit", "dimensions",
)  # fmt: skip
# Where hours tell of less than that, minutes do.
SHORT = timedelta(days=2)


def histories(rollup: DataFrame, metrics: Iterable[str], history: timedelta, as_of: datetime) -> DataFrame:
    """Columns: series_id, DESCRIPTION (the newest), granularity, times array<bigint> (starts of windows, seconds since
    1970), means array<double>. Windows that are not over at `as_of` are left out."""
    wanted = rollup.where(F.col("metric").isin(*metrics) & F.col("mean").isNotNull())
    hours = _collected(_between(wanted, HOUR, as_of - history, as_of - timedelta(hours=1)))
    span = F.array_max("times") - F.array_min("times")
    short = hours.where(span < int(SHORT.total_seconds())).select("series_id")
    recent = _between(wanted, MINUTE, as_of - SHORT, as_of - timedelta(minutes=1))
    minutes = _collected(recent.join(F.broadcast(short), "series_id", "left_semi")).select(
        "series_id", F.col("times").alias("minute_times"), F.col("means").alias("minute_means")
    )
    has_minutes = F.col("minute_times").isNotNull()
    return hours.join(minutes, "series_id", "left").select(
        "series_id",
        *DESCRIPTION,
        F.when(has_minutes, MINUTE).otherwise(HOUR).alias("granularity"),
        F.coalesce("minute_times", "times").alias("times"),
        F.coalesce("minute_means", "means").alias("means"),
    )


def _between(rollup: DataFrame, granularity: str, first: datetime, last: datetime) -> DataFrame:
    start = F.col("window_start")
    return rollup.where((F.col("granularity") == granularity) & start.between(F.lit(first), F.lit(last)))


def _collected(windows: DataFrame) -> DataFrame:
    points = F.array_sort(F.collect_list(F.struct(F.unix_seconds("window_start").alias("time"), "mean")))
    grouped = windows.groupBy("series_id").agg(
        points.alias("points"), F.max_by(F.struct(*DESCRIPTION), "window_start").alias("description")
    )
    return grouped.select("series_id", "description.*", _member("time", "times"), _member("mean", "means"))


def _member(name: str, alias: str) -> Column:
    return F.col("points")[name].alias(alias)
