"""When resources were heard, by the minute, and from that their silences.

A sign of life is a heartbeat or any measurement. What is heard in a minute is there for that minute. Resources report
at intervals of their own, a minute or an hour; so a silence is a gap that is long for that resource: longer than the
agents' `silent_after`, and longer than so many times the interval that is usual for it.

A day is judged by itself and what was heard in the days before it, so its outcome is the same whenever it is worked
out, and whatever other days are worked out with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY, Days

# Minutes since 1970 of a UTC day.
DAY_MINUTES = 1440
_GAPS = "array<struct<start: bigint, end: bigint>>"


@dataclass(frozen=True)
class SilenceRule:
    """`silent_minutes`: no shorter gap is a silence. `intervals`: nor one of fewer usual intervals.

    `remembered_days`: for how many days a machine with heartbeats that fell silent is missed; what was only measured is
    missed for one. With fewer than `least_gaps` gaps a day does not tell what is usual, if one before it does.
    """

    silent_minutes: int
    intervals: float = 2.5
    remembered_days: int = 7
    least_gaps: int = 3


def heard_days(heartbeats: DataFrame, metrics: DataFrame) -> DataFrame:
    """One row a resource and day on which it was heard.

    day, resource_id, first, last, last_beat (minutes since 1970; last_beat null without heartbeats), gaps (of more than
    a minute, within the day, by the minutes at their ends), gap_count, usual (median gap, minutes; null without gaps).
    """
    beats = heartbeats.select("resource_id", _minute("event_time").alias("minute"), F.lit(1).alias("beat"))
    measured = metrics.select("resource_id", _minute("event_time").alias("minute"), F.lit(0).alias("beat"))
    minutes = beats.unionByName(measured).groupBy("resource_id", "minute").agg(F.max("beat").alias("beat"))
    day = F.date_add(F.lit("1970-01-01").cast("date"), F.floor(F.col("minute") / DAY_MINUTES).cast("int"))
    before = F.lag("minute").over(Window.partitionBy("resource_id", DAY).orderBy("minute"))
    stepped = minutes.withColumn(DAY, day).withColumn("before", before)
    gap = F.col("minute") - F.col("before")
    return stepped.groupBy(DAY, "resource_id").agg(
        F.min("minute").alias("first"),
        F.max("minute").alias("last"),
        F.max(F.when(F.col("beat") == 1, F.col("minute"))).alias("last_beat"),
        F.collect_list(F.when(gap > 1, F.struct(F.col("before").alias("start"), F.col("minute").alias("end")))).alias(
            "gaps"
        ),
        F.count(gap).alias("gap_count"),
        F.percentile(gap, F.lit(0.5)).alias("usual"),
    )


def known_days(heard: DataFrame, days: Days, rule: SilenceRule) -> DataFrame:
    """`heard_days` → one row a resource and day of `days` on which it was heard or is missed.

    day, resource_id, first and last (null if it was not heard), before (the last minute heard before the day, null if
    it was not known), gaps, usual, allowed (minutes; infinite if nobody knows what is usual), begin and end: minutes
    from which and until which it is expected. `end` is the end of the day, or of the last minute of it in which any
    resource was heard: after that nothing is known of anything.
    """
    later = F.explode(F.sequence(F.lit(0), F.lit(rule.remembered_days))).alias("after")
    ends = heard.groupBy(DAY).agg(
        F.least(F.max("last") + 1, (F.unix_date(DAY) + 1).cast("bigint") * DAY_MINUTES).alias("end")
    )
    today, after = F.col("after") == 0, F.col("after")
    # Of a longer past the measurements are not read.
    tells = F.when((after == 1) | (today & (F.col("gap_count") >= rule.least_gaps)), F.col("usual"))
    known = (
        heard.select("*", later)
        .withColumn(DAY, F.date_add(DAY, after))
        .where(F.col(DAY).between(F.lit(days.first), F.lit(days.last)))
        .groupBy(DAY, "resource_id")
        .agg(
            *(F.max(F.when(today, F.col(name))).alias(name) for name in ("first", "last")),
            F.max(F.when(after == 1, F.col("last")).when(after > 1, F.col("last_beat"))).alias("before"),
            F.coalesce(F.first(F.when(today, F.col("gaps")), ignorenulls=True), F.array().cast(_GAPS)).alias("gaps"),
            F.coalesce(F.min_by(tells, F.when(tells.isNotNull(), after)), F.max(F.when(today, F.col("usual")))).alias(
                "usual"
            ),
        )
        .where(F.coalesce("first", "before").isNotNull())
    )
    midnight = F.unix_date(DAY).cast("bigint") * DAY_MINUTES
    # Heartbeats that stopped longer ago than a day are overdue, whatever their interval was.
    is_overdue = F.col("first").isNull() & (F.col("before") < midnight - DAY_MINUTES)
    longest = F.coalesce(F.when(is_overdue, 0.0), F.col("usual") * rule.intervals, F.lit(float("inf")))
    return known.join(F.broadcast(ends), DAY).withColumns(
        {
            "allowed": F.greatest(F.lit(float(rule.silent_minutes)), longest),
            "begin": F.when(F.col("before").isNotNull(), midnight).otherwise(F.col("first")),
        }
    )


def silences(known: DataFrame) -> DataFrame:
    """`known_days` with `silences`: array of struct<start, end>, the minutes from and until which it was not heard.

    Each is clipped to the day and sorted; the last ends at `end` if the resource is silent then.
    """
    opening = F.when(
        F.col("before").isNotNull() & F.col("first").isNotNull(),
        F.struct(F.col("before").alias("start"), F.col("first").alias("end")),
    )
    closing = F.struct(F.coalesce("last", "before").alias("start"), F.col("end").alias("end"))
    every = F.array_compact(F.concat(F.array(opening), F.col("gaps"), F.array(closing)))
    too_long = F.filter(every, lambda gap: gap["end"] - gap["start"] > F.col("allowed"))

    def clipped(gap: Column) -> Column:
        return F.struct(F.greatest(gap["start"] + 1, F.col("begin")).alias("start"), gap["end"].alias("end"))

    return known.withColumn(
        "silences", F.filter(F.array_sort(F.transform(too_long, clipped)), lambda gap: gap["end"] > gap["start"])
    )


def silent_minutes(silences: Column) -> Column:
    """array of struct<start, end> → how many minutes that is in all."""
    return F.aggregate(silences, F.lit(0).cast("bigint"), lambda total, gap: total + gap["end"] - gap["start"])


def _minute(time_column: str) -> Column:
    return F.floor(F.unix_seconds(time_column) / 60)
