"""bronze.telemetry → the silver tables of records, and silver.quarantine.

One query decodes, validates, deduplicates and routes. The watermark is on arrival (ingest_time), not on event time: a
row that is hours late is still a row, and no row that claims to come from the future can move it.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import bronze
from pipelines.routing import (
    HEARTBEATS,
    METRICS,
    QUARANTINE,
    TABLES,
    Routed,
    is_ignored,
    is_other,
    route,
    route_others,
    to_items,
)
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.streams import Trigger, append_once, note_latency, query_id, read_appends, start_query
from pipelines.tables import ensure_table

QUERY = "silver"


def deduplicate(rows: DataFrame, settings: Settings) -> DataFrame:
    return rows.withWatermark("ingest_time", settings.silver.deduplication_window).dropDuplicatesWithinWatermark(
        ["event_id"]
    )


def write_batch(rows: DataFrame, batch_id: int, settings: Settings, schemas: Schemas) -> None:
    """Route one micro-batch to its tables. Each append happens once however often the batch is repeated."""
    is_ours = ~is_other() & F.col("reason").isNull()
    cached = rows.persist()
    routed = route(cached)
    try:
        found = cached.agg(
            F.min("kafka_timestamp").alias("oldest"),
            F.count_if(is_ours & (F.col("table") == METRICS.name)).alias(METRICS.name),
            F.count_if(is_ours & (F.col("table") == HEARTBEATS.name)).alias(HEARTBEATS.name),
            F.count_if(F.col("reason").isNotNull() & ~is_ignored()).alias(QUARANTINE.name),
            F.count_if(is_other()).alias("others"),
        ).first()
        assert found is not None
        counts = Counter({table.name: found[table.name] for table in (METRICS, HEARTBEATS, QUARANTINE)})
        if found["others"]:
            others = route_others(cached, settings, schemas)
            counts += others.counts()
            routed.add(others)
        _append(routed, counts, settings, query_id(rows.sparkSession), batch_id)
    finally:
        routed.release()
        cached.unpersist()
    note_latency(QUERY, found["oldest"])


def _append(routed: Routed, counts: Counter[str], settings: Settings, query: str, batch_id: int) -> None:
    tables = [table for table in TABLES if counts[table.name]]
    if not tables:
        return
    # Most of a small append is waiting for the log, so they wait together.
    with ThreadPoolExecutor(len(tables)) as pool:
        appends = []
        for table in tables:
            part = routed.bad() if table is QUARANTINE else routed.of(table)
            assert part is not None
            appends.append(pool.submit(append_once, part, settings, table, query, batch_id))
    for append in appends:
        append.result()


def start(spark: SparkSession, settings: Settings, schemas: Schemas, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, bronze.TABLE)
    for table in TABLES:
        ensure_table(spark, settings, table)
    source = read_appends(spark, settings, bronze.TABLE, settings.silver)
    rows = deduplicate(to_items(source, settings), settings)
    writer = rows.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings, schemas)
    )
    return start_query(writer, settings, QUERY, trigger, settings.silver.trigger_interval)
