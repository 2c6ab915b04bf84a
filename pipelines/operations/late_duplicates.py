"""Second deliveries that came after the deduplication window: removed from silver, the first one stays.

A transport may repeat a record for hours, longer than the stream remembers. Run daily, beside the streams: those that
read silver skip commits that only remove, and `reconcile` counts what was removed as duplicates.

All deliveries of an event say the same time, which is part of its identity (`sources.decode`). So of the days that no
row has come to since they were last compared, nothing needs to be read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.gold.daily import contiguous
from pipelines.routing import RECORD_TABLES
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, delta_table, read_table


def remove_late_duplicates(spark: SparkSession, settings: Settings) -> dict[str, int]:
    """Table → rows removed, of the tables that had any; all days are compared."""
    removed = {table.full_name: remove_late_of(spark, settings, table, None) for table in RECORD_TABLES}
    return {name: rows for name, rows in removed.items() if rows}


def remove_late_of(spark: SparkSession, settings: Settings, table: Table, days: Collection[date] | None) -> int:
    """The rows removed from a table of records, of events of `days` or, if it is None, of all.

    Raises StorageError if another commit was faster each time.
    """
    within = "true" if days is None else _within(days)
    rows = read_table(spark, settings, table).where(within).select("event_id", "ingest_time", *POSITION, "part")
    repeated = rows.groupBy("event_id").agg(F.count(F.lit(1)).alias("deliveries")).where("deliveries > 1")
    in_order = Window.partitionBy("event_id").orderBy("ingest_time", *POSITION, "part")
    late = rows.join(repeated, "event_id", "left_semi").withColumn("delivery", F.row_number().over(in_order))
    # Worked out once: MERGE reads its source twice.
    places = late.where("delivery > 1").select(*POSITION, "part").localCheckpoint()
    count = places.count()
    if count:
        same = " AND ".join(f"t.`{name}` = late.`{name}`" for name in POSITION)

        def remove() -> None:
            (
                delta_table(spark, settings, table)
                .alias("t")
                .merge(places.alias("late"), f"({within}) AND {same} AND t.part <=> late.part")
                .whenMatchedDelete()
                .execute()
            )

        retried(remove, table.full_name)
    return count


def _within(days: Collection[date]) -> str:
    """SQL of `event_time`, as ranges, by which Delta can tell the files."""
    runs = (f"(event_time >= TIMESTAMP'{run.start}' AND event_time < TIMESTAMP'{run.end}')" for run in contiguous(days))
    return " OR ".join(runs) or "false"
