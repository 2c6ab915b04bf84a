"""Kafka → bronze.telemetry: bytes as they came, appended once. The only reader of Kafka."""

from __future__ import annotations

import os

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.kafka_access import classes_of, reader_options
from pipelines.settings import Settings
from pipelines.streams import ARRIVALS, OLDEST, Trigger, per_batch, start_appends
from pipelines.tables import contract, ensure_table

QUERY = "bronze"
TABLE = contract("bronze.telemetry")


def read_kafka(spark: SparkSession, settings: Settings, bootstrap_servers: str) -> DataFrame:
    """All topics that conf names, from the earliest offset; those created later are found while it runs."""
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap_servers)
        .option("subscribePattern", settings.kafka.topic_pattern)
        .option("startingOffsets", "earliest")
        .option("includeHeaders", "true")
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", settings.kafka.max_offsets_per_trigger)
        # A topic that is created while the stream runs should not wait five minutes to be seen.
        .option("kafka.metadata.max.age.ms", 30_000)
    )
    return reader.options(**reader_options(settings.kafka, classes_of(os.environ))).load()


def to_bronze(kafka: DataFrame) -> DataFrame:
    return kafka.select(
        "topic",
        "partition",
        "offset",
        "key",
        "value",
        "headers",
        F.col("timestamp").alias("kafka_timestamp"),
        per_batch(F.current_timestamp(), "partition").alias("ingest_time"),
    )


def start(spark: SparkSession, settings: Settings, bootstrap_servers: str, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, TABLE)
    rows = to_bronze(read_kafka(spark, settings, bootstrap_servers))
    if settings.bronze.max_files_per_batch is not None:
        rows = rows.coalesce(settings.bronze.max_files_per_batch)
    rows = rows.observe(ARRIVALS, F.unix_millis(F.min("kafka_timestamp")).alias(OLDEST))
    return start_appends(rows, settings, TABLE, QUERY, trigger, settings.bronze.trigger_interval)
