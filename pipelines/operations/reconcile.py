"""Prove that nothing was lost and nothing made up: items in bronze = silver + duplicates + quarantined + ignored.

Every item of every bronze value is looked up by its position (topic, partition, offset, item, part) in the tables;
what is nowhere must be a second delivery of an event that is in one of them. No counter of a stream is used.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze
from pipelines.routing import QUARANTINE, TABLES, route, route_others, to_items
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, read_table

_PLACE = (*POSITION, "part")


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


def reconcile(spark: SparkSession, settings: Settings, schemas: Schemas) -> tuple[TopicBalance, ...]:
    """The account of every topic in bronze or silver, by name."""
    # Kept, as each family's rows are made from it, and a filter on what is not kept would decode anew.
    decoded = to_items(read_table(spark, settings, bronze.TABLE), settings).persist()
    ours, others = route(decoded), route_others(decoded, settings, schemas)
    try:
        found = [
            rows.select(
                *_PLACE,
                "event_id",
                F.col("ignored").isNotNull().alias("is_ignored"),
                F.lit(routed is others).alias("is_other"),
            )
            for routed in (ours, others)
            for rows in routed.all()
        ]
        # Kept: the optimizer would look at all that led to them once more for the joins.
        items = others.keep(reduce(DataFrame.unionByName, found))
        return tuple(
            TopicBalance(
                row["topic"], *(int(row[field.name] or 0) for field in fields(TopicBalance) if field.name != "topic")
            )
            for row in balances(items, _rows(spark, settings)).orderBy("topic").collect()
        )
    finally:
        others.release()
        decoded.unpersist()


def balances(items: DataFrame, rows: DataFrame) -> DataFrame:
    """One row a topic with the counts of TopicBalance.

    `items`: position, part, event_id, is_ignored, is_other. `rows`: position, part, event_id, is_quarantined.
    What is_other has been deduplicated before it was judged, so that it may repeat a quarantined one.
    """
    placed = rows.groupBy(*_PLACE).agg(
        F.count(F.lit(1)).alias("copies"), F.max("is_quarantined").alias("is_quarantined")
    )
    events = rows.groupBy("event_id").agg(F.count_if(~F.col("is_quarantined")).alias("deliveries"))
    found = (
        items.withColumn("is_item", F.expr("true")).join(placed, list(_PLACE), "full").join(events, "event_id", "left")
    )
    is_item, here = F.col("is_item").isNotNull(), F.col("copies").isNotNull()
    nowhere = is_item & ~here & ~F.coalesce("is_ignored", F.expr("false"))
    repeated, bad = (
        (F.col("deliveries") > 0) | (F.col("is_other") & F.col("deliveries").isNotNull()),
        F.col("is_quarantined"),
    )
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
        F.count_if(nowhere & ~F.coalesce(repeated, F.lit(0) == 1)).alias("missing"),
        F.sum(surplus).alias("unexpected"),
        F.round(F.sum(late)).cast("bigint").alias("late_duplicates"),
    )


def _rows(spark: SparkSession, settings: Settings) -> DataFrame:
    def rows(table: Table) -> DataFrame:
        read = read_table(spark, settings, table)
        if table is QUARANTINE:
            read = read.where(F.col("resolved_at").isNull())
        # Rows written before there were parts have none.
        place = [F.coalesce("part", F.lit(0)).alias("part") if name == "part" else F.col(name) for name in _PLACE]
        return read.select(*place, "event_id", F.lit(table is QUARANTINE).alias("is_quarantined"))

    return reduce(DataFrame.unionByName, (rows(table) for table in TABLES))
