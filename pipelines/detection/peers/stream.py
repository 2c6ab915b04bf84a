"""silver.metrics → silver.anomaly_scores: hosts that are unlike their siblings, minute by minute.

As the scoring stream (stream.py) it keeps a value a bucket in the state store, and leaves it to the Delta sink that
each batch is written once. Its buckets are of peer groups, not of resources: siblings meet, not the metrics of a host.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.detection.packing import BUCKET, arrow_schema, through_buckets
from pipelines.detection.peers.groups import is_comparable, peer_group
from pipelines.detection.peers.minutes import GIVEN, PeerRules
from pipelines.detection.peers.processor import PeerBucket
from pipelines.detection.peers.state import GROUP
from pipelines.detection.score_frame import SCORED
from pipelines.detection.sink import METRICS, TABLE, as_rows, start_scores
from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger, read_appends
from pipelines.tables import ensure_table

QUERY = "silver_peer_scores"
_GIVEN = [column.strip().split()[0] for column in GIVEN.split(",")]


def rules_of(settings: Settings) -> PeerRules:
    """The rules under `settings`; all that is an anomaly there is written."""
    return PeerRules(
        least_score=min(PeerRules.least_score, settings.detection.threshold),
        forget_seconds=parse_duration(settings.detection.forget_after).total_seconds(),
    )


def scored(metrics: DataFrame, settings: Settings) -> DataFrame:
    """A stream of silver.metrics → a stream of rows of silver.anomaly_scores."""
    grouped = metrics.where(is_comparable()).withColumn(GROUP, peer_group())
    bucket = F.pmod(F.col(GROUP), F.lit(settings.detection.buckets)).cast("int").alias(BUCKET)
    processor = PeerBucket(rules_of(settings), arrow_schema(SCORED))
    scores = through_buckets(grouped.select(bucket, *_GIVEN), processor, SCORED)
    return as_rows(scores, settings)


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, METRICS)
    ensure_table(spark, settings, TABLE)
    rows = scored(read_appends(spark, settings, METRICS, settings.detection), settings)
    return start_scores(rows, settings, QUERY, trigger, settings.detection.peers_interval)
