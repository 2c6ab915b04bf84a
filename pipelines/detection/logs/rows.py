"""What the log detector found, as rows of silver.anomaly_scores and silver.log_patterns."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.detection.logs.patterns import distinct_estimate
from pipelines.detection.logs.volume import CLASSES
from pipelines.tables import contract

TABLE = contract("silver.log_patterns")
NOVELTY_MODEL, VOLUME_MODEL = "log_patterns", "log_volume"

# What a model says of a point, before it gets its ids. Times are in microseconds since 1970.
SCORED = pa.schema(
    [
        *((name, pa.string()) for name in ("model_name", "model_version", "metric", "series")),
        *((name, pa.string()) for name in ("resource_id", "host_name")),
        ("event_time", pa.timestamp("us", "UTC")),
        *((name, pa.float64()) for name in ("value", "expected", "lower", "upper", "anomaly_score")),
        ("top_contributors", pa.list_(pa.string())),
        *((name, pa.timestamp("us", "UTC")) for name in ("kafka_timestamp", "ingest_time")),
    ]
)


def new_rows(new: pd.DataFrame, version: str) -> pd.DataFrame:
    """`new_patterns` → rows of SCORED. Nothing is expected of a pattern that was never seen."""
    return new.assign(
        model_name=NOVELTY_MODEL,
        model_version=version,
        metric="log pattern",
        series=new["pattern_id"],
        event_time=new["first_seen"],
        value=new["count"].astype(float),
        expected=0.0,
        lower=0.0,
        upper=0.0,
        anomaly_score=new["score"],
        top_contributors=[[template] for template in new["template"]],
    )[SCORED.names]


def minute_rows(scored: pd.DataFrame, version: str) -> pd.DataFrame:
    """Scored minutes (minutes.py) → rows of SCORED."""
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
    )[SCORED.names]


def score_rows(spark: SparkSession, scored: pd.DataFrame, threshold: float) -> DataFrame:
    """What a batch scored → rows of silver.anomaly_scores."""
    rows = spark.createDataFrame(pa.Table.from_pandas(scored, SCORED, preserve_index=False))
    is_volume = F.col("model_name") == VOLUME_MODEL
    identity = F.concat_ws("|", "model_name", "series", F.unix_micros("event_time").cast("string"))
    return rows.withColumns(
        {
            "score_id": F.md5(identity),
            "series_id": F.xxhash64("series"),
            "detector": F.when(is_volume, "log_volume").otherwise("log_pattern"),
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
