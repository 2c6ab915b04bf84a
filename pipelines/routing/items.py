"""Bronze rows → items: decoded and judged if they are of our own families, or left to others to decode."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.quality.row_rules import broken_rule
from pipelines.routing.routed import parameters
from pipelines.routing.tables import HEARTBEATS, METRICS
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


def is_other() -> Column:
    """Whether an item is left to others to decode."""
    return F.col("record").isNotNull() | F.col("payload").isNotNull()


def is_ignored() -> Column:
    """Whether an item is neither telemetry nor an error."""
    return F.coalesce(F.col("reason").isin(*IGNORED_REASONS), F.lit(0) == 1)
