"""When machines failed: the silences and the events that count, and from them how long each machine still had.

A silence begins when the heartbeat is overdue, which is when anybody can know of it: a machine whose last heartbeat is
younger than that is up. It ends with the next heartbeat, or not at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

# What the cloud says when a machine ends, at the end of the message: its state.
_ENDED = ("stopping", "stopped", "shutting-down", "terminated", "deallocated", "crashed")


def is_failure() -> Column:
    """Of silver.events: the machine is ended, by whomever. What is announced only (maintenance) is not."""
    text = F.lower(F.coalesce("message", F.lit("")))
    ended = F.coalesce(F.regexp_extract(text, r"([a-z-]+)\W*$", 1).isin(*_ENDED), F.expr("false"))
    action = F.lower(F.coalesce("action", F.lit("")))
    interrupted = (F.col("category") == "interruption") & ~action.contains("rebalance")
    not_ready = (F.col("category") == "kubernetes") & (F.col("action") == "NodeNotReady")
    return F.coalesce(((F.col("category") == "state_change") & ended) | interrupted | not_ready, F.expr("false"))


def downtimes(heartbeats: DataFrame, events: DataFrame, silent_after: timedelta, until: datetime) -> DataFrame:
    """resource_id, onset, end (null: it lasts) of each silence and failure event up to `until`.

    Of machines with heartbeats: of others nobody can tell whether they are up.

    With hindsight: a heartbeat that came late proves that the machine was up. An event lasts until the next heartbeat
    that is later than `silent_after` after it (a machine told to stop still sends some).
    """
    # A heartbeat is not the end of what it precedes: equal times are one.
    order = Window.partitionBy("resource_id").orderBy("event_time")
    beats = heartbeats.where(F.col("event_time") <= F.lit(until)).select("resource_id", "event_time").distinct()
    overdue = F.col("event_time") + F.expr(f"INTERVAL '{silent_after.total_seconds()}' SECOND")
    silences = beats.select("resource_id", overdue.alias("onset"), F.lead("event_time").over(order).alias("end")).where(
        F.coalesce("end", F.lit(until)) > F.col("onset")
    )
    ended = events.where(is_failure() & (F.col("event_time") <= F.lit(until))).select("resource_id", "event_time")
    known = ended.distinct().join(beats.select("resource_id").distinct(), "resource_id", "left_semi")
    back = beats.select("resource_id", F.col("event_time").alias("beat"))
    later = F.col("beat") > overdue
    stops = (
        known.join(back, "resource_id", "left")
        .groupBy("resource_id", F.col("event_time").alias("onset"))
        .agg(F.min(F.when(later, F.col("beat"))).alias("end"))
    )
    return silences.unionByName(stops)


def time_to_failure(grid: DataFrame, downtimes: DataFrame, until: datetime) -> DataFrame:
    """`grid` (resource_id, as_of) of machines that are up → hours_to_failure (null: none is known), hours_followed.

    hours_followed is how long after as_of the data goes on, so for which horizons the answer is known. Moments at which
    the machine is down are left out: it cannot fail.
    """
    hours = (F.unix_micros("onset") - F.unix_micros("as_of")) / 3.6e9
    lasts = F.coalesce(F.col("end") > F.col("as_of"), F.expr("true"))
    is_down = (F.col("onset") <= F.col("as_of")) & lasts
    return (
        grid.join(downtimes, "resource_id", "left")
        .groupBy(*grid.columns)
        .agg(
            F.min(F.when(F.col("onset") > F.col("as_of"), hours)).alias("hours_to_failure"),
            F.coalesce(F.max(is_down), F.expr("false")).alias("is_down"),
        )
        .where(~F.col("is_down"))
        .drop("is_down")
        .withColumn("hours_followed", (F.unix_micros(F.lit(until)) - F.unix_micros("as_of")) / 3.6e9)
    )
