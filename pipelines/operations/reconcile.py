"""Prove that nothing was lost and nothing made up: items in bronze = silver + duplicates + quarantined + ignored.

Every item of every bronze value is looked up by its position (topic, partition, offset, item) in the tables; what is
nowhere must be a second delivery of an event that is in silver. No counter of a stream is used.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, silver
from pipelines.settings import Settings
from pipelines.sources.decode import IGNORED_REASONS, POSITION, decode
from pipelines.tables import read_table


@dataclass(frozen=True)
class TopicBalance:
    """One topic's account. `missing` items are in no table; `unexpected` rows are in silver and in no bronze value, or
    there twice. `late_duplicates` are repeats that came after the deduplication window and are in silver again."""

    topic: str
    values: int
    items: int
    silver: int
    duplicates: int
    quarantined: int
    ignored: int
    missing: int
    unexpected: int
    late_duplicates: int

    @property
    def holds(self) -> bool:
        accounted = self.silver + self.duplicates + self.quarantined + self.ignored
        return self.missing == 0 and self.unexpected == 0 and self.items == accounted


def reconcile(spark: SparkSession, settings: Settings) -> tuple[TopicBalance, ...]:
    """The account of every topic in bronze or silver, by name."""
    items = silver.validate(decode(read_table(spark, settings, bronze.TABLE)), settings).select(
        *POSITION, "event_id", F.coalesce(F.col("reason").isin(*IGNORED_REASONS), F.expr("false")).alias("is_ignored")
    )
    rows = _rows(spark, settings)
    return tuple(
        TopicBalance(
            row["topic"], *(int(row[field.name] or 0) for field in fields(TopicBalance) if field.name != "topic")
        )
        for row in balances(items, rows).orderBy("topic").collect()
    )


def balances(items: DataFrame, rows: DataFrame) -> DataFrame:
    """One row a topic with the counts of TopicBalance.

    `items`: position, event_id, is_ignored. `rows`: position, event_id, is_quarantined, of all silver tables.
    """
    placed = rows.groupBy(*POSITION).agg(
        F.count(F.lit(1)).alias("copies"), F.max("is_quarantined").alias("is_quarantined")
    )
    events = rows.where(~F.col("is_quarantined")).groupBy("event_id").agg(F.count(F.lit(1)).alias("deliveries"))
    found = (
        items.withColumn("is_item", F.expr("true"))
        .join(placed, list(POSITION), "full")
        .join(events, "event_id", "left")
    )
    is_item, here = F.col("is_item").isNotNull(), F.col("copies").isNotNull()
    nowhere = is_item & ~here & ~F.coalesce("is_ignored", F.expr("false"))
    repeated, bad = F.col("deliveries").isNotNull(), F.col("is_quarantined")
    surplus = F.when(here & ~is_item, F.col("copies")).when(here, F.col("copies") - 1).otherwise(0)
    # Of n deliveries in silver, n - 1 are too many: each of them bears its part, so that topics can be told apart.
    late = F.when(is_item & here & ~bad, (F.col("deliveries") - 1) / F.col("deliveries")).otherwise(0)
    return found.groupBy("topic").agg(
        F.count_distinct(F.when(is_item, F.struct("partition", "offset"))).alias("values"),
        F.count_if(is_item).alias("items"),
        F.count_if(is_item & here & ~bad).alias("silver"),
        F.count_if(nowhere & repeated).alias("duplicates"),
        F.count_if(is_item & here & bad).alias("quarantined"),
        F.count_if(is_item & ~here & F.coalesce("is_ignored", F.expr("false"))).alias("ignored"),
        F.count_if(nowhere & ~repeated).alias("missing"),
        F.sum(surplus).alias("unexpected"),
        F.round(F.sum(late)).cast("bigint").alias("late_duplicates"),
    )


def _rows(spark: SparkSession, settings: Settings) -> DataFrame:
    columns = [*POSITION, "event_id"]
    kept = [
        read_table(spark, settings, table).select(*columns).withColumn("is_quarantined", F.expr("false"))
        for table in (silver.METRICS, silver.HEARTBEATS)
    ]
    quarantined = read_table(spark, settings, silver.QUARANTINE).select(
        *POSITION, F.lit(None).cast("string").alias("event_id"), F.expr("true").alias("is_quarantined")
    )
    return kept[0].unionByName(kept[1]).unionByName(quarantined)
