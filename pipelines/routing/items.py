"""Bronze rows → items: decoded and judged if they are of our own families, or left to others to decode."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.quality.row_rules import broken_counts, broken_rule
from pipelines.quality.tally import Tally
from pipelines.routing.routed import parameters
from pipelines.routing.tables import HEARTBEATS, METRICS, QUARANTINE
from pipelines.settings import Settings
from pipelines.sources.decode import IGNORED_REASONS, POSITION, RECORDS, as_sent, decode


def to_items(bronze_rows: DataFrame, settings: Settings) -> DataFrame:
    """`decode` and `validate`. `raw` is kept of what is bad or left to others."""
    judged = validate(decode(bronze_rows), settings).withColumn("part", F.lit(0).cast("bigint"))
    is_good = F.col("table").isNotNull() & F.col("reason").isNull()
    return judged.withColumn("raw", F.when(~is_good, as_sent())).drop(*RECORDS)


def validate(decoded: DataFrame, settings: Settings) -> DataFrame:
    """Adds to `reason` the row rule that a record of our own families breaks.

    What is in quarantine is never a duplicate: it is known by its position."""
    reason = F.coalesce(
        "reason",
        F.when(F.col("table") == METRICS.name, broken_rule(METRICS, parameters(settings))),
        F.when(F.col("table") == HEARTBEATS.name, broken_rule(HEARTBEATS, parameters(settings))),
    )
    position = F.md5(F.concat_ws("\x1f", *POSITION).cast("binary"))
    event_id = F.when(F.col("reason").isNull(), F.col("event_id")).otherwise(position)
    return decoded.withColumn("reason", reason).withColumn("event_id", event_id)


@dataclass(frozen=True)
class Batch:
    """What is in a batch of items: ours, counted; whether there are `others`; and the oldest arrival (Kafka's)."""

    tally: Tally
    others: bool
    oldest: datetime | None


def look_at(items: DataFrame, settings: Settings) -> Batch:
    """Counts items, in one pass. To be persisted before."""
    counted = parameters(settings)
    is_good = F.col("reason").isNull() & ~F.col("is_other")
    ours = {table.name: table for table in (METRICS, HEARTBEATS)}
    groups = (
        items.withColumn("is_other", is_other())
        .groupBy("table", "reason", "is_other")
        .agg(
            F.min("kafka_timestamp").alias("oldest"),
            F.count(F.lit(1)).alias("rows"),
            *(
                broken_counts(table, is_good & (F.col("table") == name), counted).alias(name)
                for name, table in ours.items()
            ),
        )
        .collect()
    )
    tally = Tally()
    for row in groups:
        table = ours.get(row["table"], QUARANTINE)
        if row["is_other"] or row["reason"] in IGNORED_REASONS:
            continue
        if row["reason"] is not None:
            tally.bad[table.full_name, row["reason"]] += row["rows"]
        else:
            tally.add_good(table, row["rows"], row[table.name])
    oldest = min((row["oldest"] for row in groups if row["oldest"] is not None), default=None)
    return Batch(tally, any(row["is_other"] for row in groups), oldest)


def is_other() -> Column:
    """Whether an item is left to others to decode."""
    return F.col("record").isNotNull() | F.col("payload").isNotNull()


def is_ignored() -> Column:
    """Whether an item is neither telemetry nor an error."""
    return F.coalesce(F.col("reason").isin(*IGNORED_REASONS), F.lit(0) == 1)
