"""bronze.telemetry → silver.metrics, silver.heartbeats and silver.quarantine.

One query decodes, validates, deduplicates and routes. The watermark is on arrival (ingest_time), not on event time: a
row that is hours late is still a row, and no row that claims to come from the future can move it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import bronze
from pipelines.quality import reasons
from pipelines.quality.row_rules import broken_rule
from pipelines.settings import Settings
from pipelines.sources.decode import IGNORED_REASONS, POSITION, RECORDS, as_sent, decode
from pipelines.streams import Trigger, append_once, note_latency, query_id, read_appends, start_query
from pipelines.tables import contract, ensure_table

QUERY = "silver"
METRICS = contract("silver.metrics")
HEARTBEATS = contract("silver.heartbeats")
QUARANTINE = contract("silver.quarantine")
TABLES = (METRICS, HEARTBEATS, QUARANTINE)


def validate(decoded: DataFrame, settings: Settings) -> DataFrame:
    """Adds to `reason` the row rule that a record breaks. What is in quarantine is never a duplicate: it is known by
    its position."""
    parameters = {"future_tolerance": f"INTERVAL '{settings.silver.future_tolerance}'"}
    reason = F.coalesce(
        "reason",
        F.when(F.col("table") == METRICS.name, broken_rule(METRICS, parameters)),
        F.when(F.col("table") == HEARTBEATS.name, broken_rule(HEARTBEATS, parameters)),
    )
    position = F.md5(F.concat_ws("\x1f", *POSITION).cast("binary"))
    event_id = F.when(F.col("reason").isNull(), F.col("event_id")).otherwise(position)
    return decoded.withColumn("reason", reason).withColumn("event_id", event_id)


def to_silver(bronze_rows: DataFrame, settings: Settings) -> DataFrame:
    """Every item of bronze that is not ignored, with where it goes: `reason` null → its `table`, else quarantine."""
    judged = validate(decode(bronze_rows), settings)
    with_raw = judged.withColumn("raw", F.when(F.col("reason").isNotNull(), as_sent())).drop(*RECORDS)
    return with_raw.where(~F.coalesce(F.col("reason").isin(*IGNORED_REASONS), F.expr("false")))


def deduplicate(rows: DataFrame, settings: Settings) -> DataFrame:
    return rows.withWatermark("ingest_time", settings.silver.deduplication_window).dropDuplicatesWithinWatermark(
        ["event_id"]
    )


def write_batch(rows: DataFrame, batch_id: int, settings: Settings) -> None:
    """Route one micro-batch to its tables. Each append happens once however often the batch is repeated."""
    is_bad, table, query = F.col("reason").isNotNull(), F.col("table"), query_id(rows.sparkSession)
    cached = rows.persist()
    try:
        counts = cached.agg(
            F.min("kafka_timestamp").alias("oldest"),
            F.count_if(~is_bad & (table == METRICS.name)).alias(METRICS.name),
            F.count_if(~is_bad & (table == HEARTBEATS.name)).alias(HEARTBEATS.name),
            F.count_if(is_bad).alias(QUARANTINE.name),
        ).first()
        assert counts is not None
        bad = cached.where(is_bad).withColumns(
            {"message": reasons.message(F.col("reason")), "raw": F.col("raw").cast("binary")}
        )
        parts = (
            (METRICS, cached.where(~is_bad & (table == METRICS.name))),
            (HEARTBEATS, cached.where(~is_bad & (table == HEARTBEATS.name))),
            (QUARANTINE, bad),
        )
        # Most of a small append is waiting for the log, so the three wait together.
        with ThreadPoolExecutor(len(parts)) as pool:
            appends = [
                pool.submit(append_once, part, settings, target, query, batch_id)
                for target, part in parts
                if counts[target.name]
            ]
        for append in appends:
            append.result()
    finally:
        cached.unpersist()
    note_latency(QUERY, counts["oldest"])


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, bronze.TABLE)
    for table in TABLES:
        ensure_table(spark, settings, table)
    source = read_appends(spark, settings, bronze.TABLE, settings.silver)
    rows = deduplicate(to_silver(source, settings), settings)
    writer = rows.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings)
    )
    return start_query(writer, settings, QUERY, trigger, settings.silver.trigger_interval)
