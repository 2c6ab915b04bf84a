"""silver.metrics → silver.anomaly_scores: every measurement is scored by the champion, once.

State is kept by bucket of resources, so that all series of a host meet in one place, and in one value a bucket. The
Delta sink notes query and batch with each commit, and the state store has a version a batch: state and output are those
of one run of each batch, however often it is repeated.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.detection.champion import ChampionWatch, pointer
from pipelines.detection.packing import BUCKET, arrow_schema, through_buckets
from pipelines.detection.processor import ScoreBucket
from pipelines.detection.score_frame import GIVEN, SCORED
from pipelines.detection.sink import METRICS, TABLE, as_rows, start_scores
from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger, read_appends
from pipelines.tables import ensure_table

QUERY = "silver_anomaly_scores"
_GIVEN = [column.strip().split()[0] for column in GIVEN.split(",")]


def scored(metrics: DataFrame, settings: Settings) -> DataFrame:
    """A stream of silver.metrics → a stream of its scores, in the columns of `score_frame.SCORED`."""
    given = metrics.withColumn("score_id", F.col("event_id")).select(
        F.pmod(F.xxhash64("resource_id"), F.lit(settings.detection.buckets)).cast("int").alias(BUCKET), *_GIVEN
    )
    forget_seconds = parse_duration(settings.detection.forget_after).total_seconds()
    processor = ScoreBucket(pointer(settings), forget_seconds, arrow_schema(SCORED))
    scores = through_buckets(given, processor, SCORED)
    return as_rows(scores, settings)


def start(spark: SparkSession, settings: Settings, watch: ChampionWatch, trigger: Trigger) -> StreamingQuery:
    """Start the query, with a champion published; `watch` follows the registry as long as it runs.

    Raises ModelError if no champion can be had.
    """
    ensure_table(spark, settings, METRICS)
    ensure_table(spark, settings, TABLE)
    watch.prepare()
    if trigger is Trigger.AVAILABLE_NOW:
        watch.look()
    source = read_appends(spark, settings, METRICS, settings.detection)
    rows = scored(source, settings)
    query = start_scores(rows, settings, QUERY, trigger, settings.detection.trigger_interval)
    if trigger is Trigger.CONTINUOUS:
        watch.follow(lambda: query.isActive)
    return query
