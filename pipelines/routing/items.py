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
from pipelines.sources.decode import IGNORED_REASONS, RECORDS, as_sent, decode, position_id


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
    event_id = F.when(F.col("reason").isNull(), F.col("event_id")).otherwise(position_id())
    return decoded.withColumn("reason", reason).withColumn("event_id", event_id)


@dataclass(frozen=True)
class Batch:
    """What is in a batch of items: ours, counted; whether there are `others`; and the oldest arrival (Kafka's)."""

    tally: Tally
    others: bool
    oldest: datetime | None


def look_at(items: DataFrame, settings: Settings) -> Batch:
    """Counts items: in one pass, and a second over what is bad if anything is. To be persisted before."""
    ours = (METRICS, HEARTBEATS)
    is_ours = ~is_other() & F.col("reason").isNull()
    # Marked in a projection of its own, so that it is worked out once for all the counts.
    marks = {f"in_{table.name}": is_ours & (F.col("table") == table.name) for table in ours}
    found = (
        items.withColumns(marks)
        .agg(
            F.min("kafka_timestamp").alias("oldest"),
            F.count_if(is_other()).alias("others"),
            F.count_if(F.col("reason").isNotNull() & ~is_ignored()).alias("bad"),
            *(F.count_if(F.col(f"in_{table.name}")).alias(f"in_{table.name}") for table in ours),
            *(
                broken_counts(table, F.col(f"in_{table.name}"), parameters(settings)).alias(f"broken_{table.name}")
                for table in ours
            ),
        )
        .first()
    )
    assert found is not None
    tally = Tally()
    for table in ours:
        tally.add_good(table, found[f"in_{table.name}"], found[f"broken_{table.name}"])
    if found["bad"]:
        tally.bad.update(_reasons(items))
    return Batch(tally, found["others"] > 0, found["oldest"])


def _reasons(items: DataFrame) -> dict[tuple[str, str], int]:
    """How many items are to be quarantined, by the full name of their table and the reason."""
    bad = items.where(F.col("reason").isNotNull() & ~is_ignored()).groupBy("table", "reason").count()
    known = {table.name: table.full_name for table in (METRICS, HEARTBEATS)}
    found: dict[tuple[str, str], int] = {}
    for row in bad.collect():
        key = known.get(row["table"], QUARANTINE.full_name), row["reason"]
        found[key] = found.get(key, 0) + row["count"]
    return found


def is_other() -> Column:
    """Whether an item is left to others to decode."""
    return F.col("record").isNotNull() | F.col("payload").isNotNull()


def is_ignored() -> Column:
    """Whether an item is neither telemetry nor an error."""
    return F.coalesce(F.col("reason").isin(*IGNORED_REASONS), F.lit(0) == 1)
