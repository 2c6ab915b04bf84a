"""Hourly facts of machines → their features at given moments, each from what was known at that moment alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.failure.names import FEATURES, LOOK_BACK, MOST_HOURS_LEFT, UTILISATIONS
from pipelines.failure.signals import (
    Hours,
    Silver,
    anomaly_hours,
    event_hours,
    heartbeat_hours,
    log_hours,
    utilisation_hours,
)

_KEYS = ("resource_id", "as_of")
_WEEK = int(LOOK_BACK / timedelta(hours=1))
# A line through fewer hours says nothing of a trend.
_FEWEST_HOURS_OF_TREND = 4
_LEVEL = ("percent", "percent_24h", "deviation_24h", "slope_day")


def grid_of(heartbeats: DataFrame, since: datetime, until: datetime, step: timedelta) -> DataFrame:
    """resource_id, as_of: from the first heartbeat of each machine on, the moments since, since + step, … ≤ until."""
    every = f"INTERVAL '{step.total_seconds()}' SECOND"
    moments = F.explode(F.sequence(F.lit(since), F.lit(until), F.expr(every))).alias("as_of")
    first = heartbeats.groupBy("resource_id").agg(F.min("event_time").alias("first"))
    return first.select("resource_id", "first", moments).where("first <= as_of").drop("first")


def features_at(grid: DataFrame, silver: Silver, hours: Hours) -> DataFrame:
    """`grid` (resource_id, as_of) → with FEATURES (double) and disk_volume, the name of the fullest disk.

    Each as_of of the grid has to be whole hours from `hours.anchor`. Machines without a heartbeat known in LOOK_BACK
    before the moment are left out. What a machine has no metric for is null, and so are anomalies without scores.
    """
    beats = _seen(grid, heartbeat_hours(silver.heartbeats, hours))
    frame = beats.groupBy(*_KEYS).agg(*_heartbeats()).where(F.col("minutes_since_heartbeat").isNotNull())
    logs = _seen(grid, log_hours(silver.logs, hours))
    events = _seen(grid, event_hours(silver.events, hours))
    frame = _with_counts(frame, logs.groupBy(*_KEYS).agg(*_logs()))
    frame = _with_counts(frame, events.groupBy(*_KEYS).agg(*_events()))
    if silver.anomalies is None:
        frame = frame.withColumn("anomalies_24h", F.lit(None).cast("double"))
    else:
        anomalies = _seen(grid, anomaly_hours(silver.anomalies, hours))
        frame = _with_counts(frame, anomalies.groupBy(*_KEYS).agg(_sum("anomalies", 24)))
    mean = F.col("errors_168h") / F.least("hours_observed_168h", F.lit(float(_WEEK)))
    frame = frame.withColumn("error_burst", F.log2((F.col("errors_1h") + 1) / (mean + 1)))
    levels = _seen(grid, utilisation_hours(silver.metrics, hours))
    frame = frame.join(_levels(levels), list(_KEYS), "left")
    return frame.select(*_KEYS, *(F.col(name).cast("double").alias(name) for name in FEATURES), "disk_volume")


def _seen(grid: DataFrame, facts: DataFrame) -> DataFrame:
    """Each moment with the facts known at it, of LOOK_BACK before it; `age` 0 is the hour that ends at the moment."""
    age = ((F.unix_micros("as_of") - F.unix_micros("hour")) / 3.6e9).cast("int")
    joined = grid.join(facts, "resource_id").where(F.col("known") <= F.col("as_of"))
    return joined.withColumn("age", age).where(F.col("age").between(0, _WEEK - 1))


def _in(hours: int, column: str) -> Column:
    return F.when(F.col("age") < hours, F.col(column))


def _sum(column: str, hours: int) -> Column:
    return F.coalesce(F.sum(_in(hours, column)), F.lit(0)).cast("double").alias(f"{column}_{hours}h")


def _heartbeats() -> Iterable[Column]:
    since = (F.unix_micros("as_of") - F.unix_micros(F.max("last_beat"))) / 6e7
    yield since.alias("minutes_since_heartbeat")
    for hours in (1, 24, _WEEK):
        yield F.coalesce(F.max(_in(hours, "gap_max")), F.lit(0.0)).alias(f"longest_gap_minutes_{hours}h")
    yield _deviation("gaps", "gap_sum", "gap_squares", 24).alias("gap_deviation_minutes_24h")
    yield _sum("silences", _WEEK)
    yield (F.max("age") + 1).cast("double").alias("hours_observed_168h")
    yield _sum("agent_changes", _WEEK)


def _logs() -> Iterable[Column]:
    return (
        *(_sum("errors", hours) for hours in (1, 24, _WEEK)),
        *(_sum("criticals", hours) for hours in (1, 24)),
    )


def _events() -> Iterable[Column]:
    day, week = ("failures", "interruptions", "state_changes"), ("reboots", "health_events")
    return (*(_sum(name, 24) for name in day), *(_sum(name, _WEEK) for name in week))


def _with_counts(frame: DataFrame, counts: DataFrame) -> DataFrame:
    """None counted is none: a machine that wrote no errors has no row among the logs."""
    added = [name for name in counts.columns if name not in _KEYS]
    return frame.join(counts, list(_KEYS), "left").fillna(0.0, added)


def _deviation(count: str, total: str, squares: str, hours: int) -> Column:
    """Standard deviation from sums; rounding can make the variance a little less than nothing."""
    number = F.sum(_in(hours, count))
    mean = F.try_divide(F.sum(_in(hours, total)), number)
    return F.sqrt(F.greatest(F.lit(0.0), F.try_divide(F.sum(_in(hours, squares)), number) - mean * mean))


def _levels(seen: DataFrame) -> DataFrame:
    """A row a moment: of each kind, the part (volume) that is fullest now, its level, and its trend over a day."""
    mean, hour = F.col("total") / F.col("points"), -F.col("age")
    trend_hours = F.count(_in(24, "hour"))
    parts = (
        seen.where("points > 0")
        .groupBy(*_KEYS, "kind", "part")
        .agg(
            # The last hour with a value; a machine that has told none for a day has no level.
            F.max_by(F.when(F.col("age") < 24, mean), F.when(F.col("age") < 24, hour)).alias("percent"),
            F.try_divide(F.sum(_in(24, "total")), F.sum(_in(24, "points"))).alias("percent_24h"),
            _deviation("points", "total", "squares", 24).alias("deviation_24h"),
            F.when(
                trend_hours >= _FEWEST_HOURS_OF_TREND,
                F.regr_slope(F.when(F.col("age") < 24, mean), F.when(F.col("age") < 24, hour)) * 24,
            ).alias("slope_day"),
        )
    )
    left = F.when(F.col("slope_day") > 0, (100 - F.col("percent")) / F.col("slope_day") * 24)
    most = F.lit(MOST_HOURS_LEFT)
    timed = parts.where("percent IS NOT NULL").withColumn(
        "hours_left", F.when(F.col("slope_day").isNotNull(), F.least(F.coalesce(left, most), most))
    )
    facts = (*_LEVEL, "hours_left", "part")
    # Of two that are equally full the first by name, so that a second run names the same.
    fullest = timed.groupBy(*_KEYS, "kind").agg(
        F.max_by(F.struct(*facts), F.struct("percent", F.col("part"))).alias("f")
    )
    wide = fullest.groupBy(*_KEYS).agg(
        *(F.max(F.when(F.col("kind") == kind, F.col("f"))).alias(kind) for kind in UTILISATIONS)
    )
    named = {f"{kind}_{fact}": F.col(f"{kind}.{fact}") for kind in UTILISATIONS for fact in (*_LEVEL, "hours_left")}
    return wide.withColumns(named | {"disk_volume": F.col("disk.part")}).drop(*UTILISATIONS)
