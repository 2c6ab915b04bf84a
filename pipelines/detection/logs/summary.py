"""A batch of silver.logs, reduced by Spark to as few rows as patterns and volumes need."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.detection.logs.masking import masked
from pipelines.detection.logs.novelty import ERROR, WARN
from pipelines.detection.logs.patterns import SKETCH

_EXAMPLE_CHARACTERS = 500


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
