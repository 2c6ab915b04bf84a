"""silver.events → how long spot instances ran by type and zone, and how many of them were taken back.

An interruption names its instance alone. What that is, and since when it runs, is in the answer of RunInstances, which
CloudTrail keeps. An instance whose end nothing tells of counts as running still, which makes the rate too small rather
than too large.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.reading.variant import elements, parse_whole, word

_ENDED = ("shutting-down", "terminated", "stopping", "stopped")


def interruptions(events: DataFrame, since: datetime, as_of: datetime) -> DataFrame:
    """Columns: instance_type, availability_zone, interruptions, rebalances, instance_hours. Of those that nothing
    places, type and zone are null."""
    seen = events.where(F.col("event_time").between(F.lit(since), F.lit(as_of)))
    instances = launches(seen).join(_signals(seen), "instance", "full")
    end = F.least(F.coalesce("ended", "interrupted", F.lit(as_of)), F.lit(as_of))
    hours = F.greatest(F.lit(0.0), (F.unix_micros(end) - F.unix_micros("launched")) / 3.6e9)
    return instances.groupBy("instance_type", "availability_zone").agg(
        _number(F.col("interrupted").isNotNull()).alias("interruptions"),
        _number(F.col("rebalanced").isNotNull()).alias("rebalances"),
        F.coalesce(F.sum(hours), F.lit(0.0)).alias("instance_hours"),
    )


def launches(events: DataFrame) -> DataFrame:
    """Spot instances: instance, instance_type, availability_zone, launched."""
    answer = parse_whole(F.col("attributes")["responseElements"])
    calls = events.where((F.col("source") == "aws.cloudtrail") & (F.col("action") == "RunInstances"))
    items = calls.select("event_time", F.explode(elements(answer, "instancesSet.items")).alias("item"))
    item = F.col("item")
    named = items.where(word(item, "instanceLifecycle") == "spot").select(
        word(item, "instanceId").alias("instance"),
        word(item, "instanceType").alias("instance_type"),
        word(item, "placement.availabilityZone").alias("availability_zone"),
        F.col("event_time").alias("launched"),
    )
    first = F.min_by(F.struct("instance_type", "availability_zone", "launched"), "launched").alias("first")
    return named.groupBy("instance").agg(first).select("instance", "first.*")


def _signals(events: DataFrame) -> DataFrame:
    """Instances that were warned or have ended: instance, interrupted, rebalanced, ended (when first)."""
    is_warning = F.col("category") == "interruption"
    is_rebalance = is_warning & F.contains(F.lower("action"), F.lit("rebalance"))
    has_ended = (F.col("category") == "state_change") & F.col("attributes")["detail.state"].isin(*_ENDED)
    told = events.where(F.startswith(F.col("host_name"), F.lit("i-")))
    found = told.groupBy(F.col("host_name").alias("instance")).agg(
        _first_time(is_warning & ~is_rebalance).alias("interrupted"),
        _first_time(is_rebalance).alias("rebalanced"),
        _first_time(has_ended).alias("ended"),
    )
    # Instances that are not on spot end too.
    return found.where(F.col("interrupted").isNotNull() | F.col("rebalanced").isNotNull() | F.col("ended").isNotNull())


def _first_time(condition: Column) -> Column:
    return F.min(F.when(condition, F.col("event_time")))


def _number(condition: Column) -> Column:
    return F.coalesce(F.sum(condition.cast("bigint")), F.lit(0).cast("bigint"))
