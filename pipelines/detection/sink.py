"""How scores of metrics reach silver.anomaly_scores: in its columns, and by the Delta sink, once a batch."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.settings import Settings
from pipelines.streams import ARRIVALS, OLDEST, Trigger, per_batch, start_appends
from pipelines.tables import contract

METRICS = contract("silver.metrics")
TABLE = contract("silver.anomaly_scores")


def as_rows(scores: DataFrame, settings: Settings) -> DataFrame:
    """Scores in the columns of `score_frame.SCORED` → rows of the table."""
    return scores.withColumns(
        {
            "is_anomaly": F.col("anomaly_score") >= settings.detection.threshold,
            "scored_at": per_batch(F.current_timestamp(), "series_id"),
        }
    ).select(*TABLE.column_names)


def start_scores(rows: DataFrame, settings: Settings, query: str, trigger: Trigger, interval: str) -> StreamingQuery:
    """Start `query`, which appends a stream of rows to the table."""
    rows = rows.observe(ARRIVALS, F.unix_millis(F.min("kafka_timestamp")).alias(OLDEST))
    return start_appends(rows, settings, TABLE, query, trigger, interval)
