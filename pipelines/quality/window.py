"""The rows of a table that are checked: those of a window of time, and its hours beside those of former weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.quality.expectations import ROWS, SHARE, USUAL, Check
from pipelines.rules import Volume

_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Window:
    """From `since`, inclusive, to `until`, exclusive (UTC)."""

    since: datetime
    until: datetime

    def holds(self, time: Column) -> Column:
        return (time >= F.lit(self.since)) & (time < F.lit(self.until))

    def before(self, weeks: int) -> Window:
        return Window(self.since - weeks * _WEEK, self.until - weeks * _WEEK)

    def whole_hours(self) -> Window | None:
        """The hours that lie in it entirely; None if there are none."""
        first = self.since.replace(minute=0, second=0, microsecond=0)
        first = first if first == self.since else first + _HOUR
        end = self.until.replace(minute=0, second=0, microsecond=0)
        return Window(first, end) if first < end else None


def measured(rows: DataFrame, checks: tuple[Check, ...]) -> DataFrame:
    """Rows of a table → the columns that the checks ask for."""
    measures = dict(measure for check in checks for measure in check.measures)
    return rows.select(*(F.expr(sql).alias(name) for name, sql in measures.items()))


def hourly_volumes(rows: DataFrame, time_column: str, hours: Window, check: Volume) -> DataFrame:
    """One row for each hour of `hours` that a former week has rows of: its rows, and their share of the usual.

    The usual is the mean of the weeks that have any rows of that hour. An hour without a row has a share of 0.
    """
    counted = [
        rows.where(hours.before(week).holds(F.col(time_column)))
        .groupBy((F.date_trunc("hour", time_column) + F.expr(f"INTERVAL {7 * week} DAYS")).alias("hour"))
        .agg(F.count(F.lit(1)).alias("count"))
        .withColumn("week", F.lit(week))
        for week in range(check.weeks + 1)
    ]
    all_weeks = counted[0]
    for week in counted[1:]:
        all_weeks = all_weeks.unionByName(week)
    now, before = F.col("week") == 0, F.col("week") > 0
    by_hour = all_weeks.groupBy("hour").agg(
        F.coalesce(F.sum(F.when(now, F.col("count"))), F.lit(0)).alias(ROWS),
        F.avg(F.when(before, F.col("count"))).alias(USUAL),
    )
    return by_hour.where(F.col(USUAL).isNotNull()).withColumn(SHARE, F.col(ROWS) / F.col(USUAL))
