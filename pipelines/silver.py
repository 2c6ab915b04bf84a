"""bronze.telemetry → the silver tables of records, and silver.quarantine; what its rules found, to gold.quality.

One query decodes, validates, deduplicates and routes. The watermark is on arrival (ingest_time), not on event time: a
row that is hours late is still a row, and no row that claims to come from the future can move it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import bronze
from pipelines.quality import ledger
from pipelines.quality.invariants import check_invariants
from pipelines.quality.tally import Tally
from pipelines.routing import (
    QUARANTINE,
    RECORD_TABLES,
    TABLES,
    Routed,
    look_at,
    parameters,
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
    """Route one micro-batch to its tables. Each append happens once however often the batch is repeated.

    Raises QualityError, with nothing written, if a rule is broken whose action is to stop the stream.
    """
    spark = rows.sparkSession
    cached = rows.persist()
    routed = route(cached)
    try:
        batch = look_at(cached, settings)
        if batch.others:
            others = route_others(cached, settings, schemas)
            batch.tally.add(others.tally(parameters(settings)))
            routed.add(others)
        check_invariants(batch.tally, RECORD_TABLES, routed.of, parameters(settings))
        query = query_id(spark)
        _append(routed, batch.tally, settings, query, batch_id)
        ledger.note(settings, query, batch_id, batch.tally.rule_counts(TABLES))
    finally:
        routed.release()
        cached.unpersist()
    note_latency(QUERY, batch.oldest)
    ledger.flush_if_due(spark, settings)


def _append(routed: Routed, tally: Tally, settings: Settings, query: str, batch_id: int) -> None:
    tables = [table for table in RECORD_TABLES if tally.good[table.full_name]]
    if tally.bad:
        tables.append(QUARANTINE)
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
    for table in (*TABLES, ledger.TABLE):
        ensure_table(spark, settings, table)
    ledger.flush(spark, settings)
    source = read_appends(spark, settings, bronze.TABLE, settings.silver)
    rows = deduplicate(to_items(source, settings), settings)
    writer = rows.writeStream.outputMode("append").foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, settings, schemas)
    )
    return start_query(writer, settings, QUERY, trigger, settings.silver.trigger_interval)
