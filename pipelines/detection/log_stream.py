"""silver.logs → silver.log_patterns, and rows of silver.anomaly_scores: new patterns, and unusual numbers of records.

Spark masks the messages and reduces a batch to a row a distinct masked message and minute, and a row a resource,
severity class and minute. The rest is a matter of those few rows, on the driver: `advance` is a pure function of them
and the state that the batch before left behind (log_state.py). So a repeated batch gives the same rows, and both writes
carry its transaction id. The state is saved last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.detection.log_masking import masked
from pipelines.detection.log_minutes import score_minutes
from pipelines.detection.log_novelty import ERROR, WARN
from pipelines.detection.log_patterns import (
    SKETCH,
    PatternRules,
    assign_patterns,
    distinct_estimate,
    fold_patterns,
    new_patterns,
)
from pipelines.detection.log_state import LogState, load_state, save_state, snapshots_of
from pipelines.detection.log_volume import CLASSES, Detector, VolumeRules
from pipelines.settings import Settings
from pipelines.streams import Trigger, append_once, note_latency, query_id, read_appends, start_query
from pipelines.tables import Table, contract, ensure_table

QUERY = "silver_log_patterns"
LOGS = contract("silver.logs")
TABLE = contract("silver.log_patterns")
NOVELTY_MODEL, VOLUME_MODEL = "log_patterns", "log_volume"

_EXAMPLE_CHARACTERS = 500
_SCORED = pa.schema(
    [
        *((name, pa.string()) for name in ("model_name", "model_version", "metric", "series")),
        *((name, pa.string()) for name in ("resource_id", "host_name")),
        ("event_time", pa.timestamp("us", "UTC")),
        *((name, pa.float64()) for name in ("value", "expected", "lower", "upper", "anomaly_score")),
        ("top_contributors", pa.list_(pa.string())),
        *((name, pa.timestamp("us", "UTC")) for name in ("kafka_timestamp", "ingest_time")),
    ]
)


@dataclass(frozen=True)
class LogRules:
    """`threshold`: the anomaly score from which a row is an anomaly."""

    patterns: PatternRules = field(default_factory=PatternRules)
    volume: VolumeRules = field(default_factory=VolumeRules)
    threshold: float = 0.8
    trigger_interval: str = "10 seconds"

    @property
    def pattern_version(self) -> str:
        return f"1-{hashlib.md5(repr(self.patterns).encode()).hexdigest()[:8]}"

    def volume_version(self, detector: Detector) -> str:
        return f"1-{hashlib.md5(f'{self.volume} {detector.version}'.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Step:
    """What a batch leads to: the state after it, and what it scores (columns of _SCORED, times in microseconds)."""

    state: LogState
    scored: pd.DataFrame


def forms_of(logs: DataFrame) -> DataFrame:
    """silver.logs rows → a row a distinct masked message and minute, with the first record that it stands for."""
    first = F.struct(
        "resource_id", "host_name", "source", "logger",
        F.substring("message", 1, _EXAMPLE_CHARACTERS).alias("example"),
        F.unix_micros("kafka_timestamp").alias("kafka_timestamp"),
        F.unix_micros("ingest_time").alias("ingest_time"),
    )  # fmt: skip
    cases = logs.select(
        masked(F.col("message")).alias("masked"),
        _minute(F.col("event_time")).alias("minute"),
        F.unix_micros("event_time").alias("at"),
        F.coalesce("severity_number", F.lit(0)).cast("bigint").alias("severity"),
        F.xxhash64("resource_id").alias("resource"),
        first.alias("case"),
        "event_id",
    )
    return (
        cases.groupBy("masked", "minute")
        .agg(
            F.count("*").alias("count"),
            F.max("severity").alias("severity"),
            F.min("at").alias("first_seen"),
            F.max("at").alias("last_seen"),
            F.min_by("case", F.struct("at", "event_id")).alias("case"),
            F.slice(F.array_sort(F.collect_set("resource")), 1, SKETCH).alias("resources"),
        )
        .select("*", "case.*")
        .drop("case")
    )


def counts_of(logs: DataFrame) -> DataFrame:
    """silver.logs rows → a row a resource, severity class and minute.

    `newest_minute` is when the last of them happened, but not after it arrived: one sender whose clock is ahead must
    not end the minutes of others.
    """
    severity = F.col("severity_number")
    classes = F.when(severity >= ERROR, 2).when(severity >= WARN, 1).otherwise(0).cast("bigint")
    return logs.groupBy(
        "resource_id", classes.alias("severity_class"), _minute(F.col("event_time")).alias("minute")
    ).agg(
        F.count("*").alias("count"),
        F.max("host_name").alias("host_name"),
        F.max(_minute(F.least("event_time", "kafka_timestamp"))).alias("newest_minute"),
        F.unix_micros(F.max("kafka_timestamp")).alias("kafka_timestamp"),
        F.unix_micros(F.min("kafka_timestamp")).alias("oldest_arrival"),
        F.unix_micros(F.max("ingest_time")).alias("ingest_time"),
    )


def _minute(time: Column) -> Column:
    return F.floor(F.unix_seconds(time) / 60).cast("bigint")


def advance(state: LogState, forms: pd.DataFrame, counts: pd.DataFrame, rules: LogRules, detector: Detector) -> Step:
    """Learn a batch (`forms_of` and `counts_of` of it), and score what is new and what is over."""
    minutes = score_minutes(state, counts, rules.volume, detector)
    cases = assign_patterns(state.patterns, forms, rules.patterns)
    resources = minutes.state.resources.set_index("resource_id")
    new = new_patterns(state.patterns, cases, resources, rules.patterns.novelty)
    patterns = fold_patterns(state.patterns, cases, new["pattern_id"], rules.patterns)
    scored = [_new_rows(new, rules), _minute_rows(minutes.scored, rules.volume_version(detector))]
    filled = [rows for rows in scored if len(rows)] or scored[:1]
    return Step(replace(minutes.state, patterns=patterns), pd.concat(filled, ignore_index=True))


def _new_rows(new: pd.DataFrame, rules: LogRules) -> pd.DataFrame:
    """Nothing is expected of a pattern that was never seen."""
    return new.assign(
        model_name=NOVELTY_MODEL,
        model_version=rules.pattern_version,
        metric="log pattern",
        series=new["pattern_id"],
        event_time=new["first_seen"],
        value=new["count"].astype(float),
        expected=0.0,
        lower=0.0,
        upper=0.0,
        anomaly_score=new["score"],
        top_contributors=[[template] for template in new["template"]],
    )[_SCORED.names]


def _minute_rows(scored: pd.DataFrame, version: str) -> pd.DataFrame:
    classes = pd.Series(CLASSES).reindex(scored["severity_class"]).to_numpy()
    return scored.assign(
        model_name=VOLUME_MODEL,
        model_version=version,
        metric="log volume",
        series=scored["resource_id"] + "|" + classes,
        event_time=scored["minute"] * 60_000_000,
        value=scored["count"].astype(float),
        anomaly_score=scored["score"],
        top_contributors=[[name] for name in classes],
    )[_SCORED.names]


def score_rows(spark: SparkSession, scored: pd.DataFrame, threshold: float) -> DataFrame:
    """What a batch scored → rows of silver.anomaly_scores."""
    rows = spark.createDataFrame(pa.Table.from_pandas(scored, _SCORED, preserve_index=False))
    is_volume = F.col("model_name") == VOLUME_MODEL
    named = rows.withColumn("series_id", F.when(is_volume, F.md5("series")).otherwise(F.col("series")))
    identity = F.concat_ws("|", "model_name", "series_id", F.unix_micros("event_time").cast("string"))
    return named.withColumns(
        {
            "score_id": F.md5(identity),
            "namespace": F.lit("logs"),
            "is_anomaly": F.col("anomaly_score") >= threshold,
            "scored_at": F.current_timestamp(),
        }
    )


def pattern_rows(spark: SparkSession, patterns: pd.DataFrame) -> DataFrame:
    """The patterns known → rows of silver.log_patterns."""
    time = pa.timestamp("us", "UTC")
    known = pa.Table.from_pandas(
        patterns.assign(
            resources=[distinct_estimate(sketch) for sketch in patterns["resources"]],
            severity_number=patterns["severity"].where(patterns["severity"] > 0).astype("Int32"),
        )[[column for column in TABLE.column_names if column != "updated_at"]],
        pa.schema(
            [
                *((name, pa.string()) for name in ("pattern_id", "template", "source", "logger")),
                ("severity_number", pa.int32()),
                *((name, time) for name in ("first_seen", "last_seen")),
                *((name, pa.int64()) for name in ("count", "resources")),
                ("example", pa.string()),
            ]
        ),
        preserve_index=False,
    )
    return spark.createDataFrame(known).withColumn("updated_at", F.current_timestamp())


def write_batch(
    logs: DataFrame, batch_id: int, settings: Settings, query: str, rules: LogRules, detector: Detector
) -> None:
    """Bring patterns and scores up to date with a batch of silver.logs; a second time with it changes nothing.

    Raises StorageError if what the batch before knew is not there, MinerError without drain3.
    """
    spark = logs.sparkSession
    folder = snapshots_of(settings.root, query)
    state = load_state(folder, batch_id)
    counts = counts_of(logs).toArrow().to_pandas()
    if counts.empty:
        save_state(state, folder, batch_id)
        return
    step = advance(state, forms_of(logs).toArrow().to_pandas(), counts, rules, detector)
    if len(step.scored):
        scores = score_rows(spark, step.scored, rules.threshold).coalesce(1)
        append_once(scores, settings, scores_table(), query, batch_id)
    (
        pattern_rows(spark, step.state.patterns)
        .select(*TABLE.column_names)
        .coalesce(1)
        .write.format("delta")
        .mode("overwrite")
        .option("txnAppId", query)
        .option("txnVersion", batch_id)
        .save(TABLE.path(settings))
    )
    save_state(step.state, folder, batch_id)
    note_latency(QUERY, datetime.fromtimestamp(int(counts["oldest_arrival"].min()) / 1e6, UTC))


def scores_table() -> Table:
    return contract("silver.anomaly_scores")


def start(
    spark: SparkSession, settings: Settings, trigger: Trigger, rules: LogRules, detector: Detector
) -> StreamingQuery:
    for table in (LOGS, TABLE, scores_table()):
        ensure_table(spark, settings, table)
    writer = (
        read_appends(spark, settings, LOGS, settings.silver)
        .writeStream.outputMode("append")
        .foreachBatch(
            lambda batch, batch_id: write_batch(
                batch, batch_id, settings, query_id(batch.sparkSession), rules, detector
            )
        )
    )
    return start_query(writer, settings, QUERY, trigger, rules.trigger_interval)
