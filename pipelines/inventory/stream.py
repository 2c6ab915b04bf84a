"""The silver tables of records → silver.inventory, by one query over all of them.

A query of its own for each would cost a micro-batch each. They are read in a fixed order, which the checkpoint relies
on: if a table is added to `columns.TOLD_BY`, the query needs a new checkpoint, which changes nothing in the table.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.inventory.columns import TOLD_BY
from pipelines.inventory.statements import statements_of
from pipelines.inventory.store import TABLE, summary_of, update
from pipelines.settings import Settings
from pipelines.streams import Trigger, note_latency, read_appends, start_query
from pipelines.tables import contract, ensure_table

QUERY = "silver_inventory"


def write_batch(statements: DataFrame, settings: Settings) -> None:
    """Bring the table up to date with a micro-batch of statements."""
    # Worked out once: the rows are read from the files again for each look at them.
    summary = summary_of(statements).localCheckpoint()
    oldest = summary.agg(F.min("arrived")).first()
    assert oldest is not None
    if oldest[0] is None:
        return
    update(summary, settings)
    note_latency(QUERY, oldest[0])


def start(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
    ensure_table(spark, settings, TABLE)
    streams = []
    for name in TOLD_BY:
        table = contract(f"silver.{name}")
        ensure_table(spark, settings, table)
        streams.append(statements_of(read_appends(spark, settings, table, settings.inventory), name))
    writer = reduce(DataFrame.unionByName, streams).writeStream.outputMode("append")
    writer = writer.foreachBatch(lambda batch, _batch_id: write_batch(batch, settings))
    return start_query(writer, settings, QUERY, trigger, settings.inventory.trigger_interval)
