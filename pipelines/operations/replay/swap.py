"""Rows of a span put in place of those that a table of silver has, in one commit that no stream takes for news."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.errors import StorageError
from pipelines.operations.replay.aside import Aside
from pipelines.operations.replay.span import Span
from pipelines.settings import Settings
from pipelines.tables import Table, delta_table, read_table, save_table


def new_rows(spark: SparkSession, table: Table, aside: Aside) -> DataFrame:
    """Those that are staged for the table."""
    return spark.read.parquet(aside.rows_of(table.full_name)).select(*table.column_names)


def put_in_place(spark: SparkSession, settings: Settings, span: Span, table: Table, aside: Aside) -> None:
    """Raises StorageError if another commit was faster each time, or the table is empty."""

    def put() -> None:
        replaced, rows = span.condition, new_rows(spark, table, aside)
        there = read_table(spark, settings, table)
        if there.where(span.condition).isEmpty():
            neighbour = _neighbour(spark, settings, table)
            replaced = f"({replaced}) OR ({neighbour})"
            rows = rows.unionByName(there.where(neighbour).select(*table.column_names))
        writer = rows.write.mode("overwrite").option("replaceWhere", replaced)
        save_table(writer.option("userMetadata", json.dumps({"replayed": str(span)})), settings, table)

    retried(put, table.full_name)


def _neighbour(spark: SparkSession, settings: Settings, table: Table) -> str:
    """SQL, of the rows of a value outside of the span, to be written anew as they are.

    Streams skip commits that remove rows. One that only adds, as where all rows of the span are gone, would be news to
    them: measurements that they have counted and scored before. To a table that never had a row all is news.
    """
    value = read_table(spark, settings, table).select("topic", "partition", "offset").first()
    if value is not None:
        topic = value["topic"].replace("\\", "\\\\").replace("'", "\\'")
        return f"topic = '{topic}' AND partition = {value['partition']} AND offset = {value['offset']}"
    written = F.coalesce(F.col("operationMetrics")["numOutputRows"].cast("bigint"), F.lit(0))
    if not delta_table(spark, settings, table).history().where(written > 0).isEmpty():
        raise StorageError(
            f"table {table.full_name} is empty, and was not always: streams would take what a replay adds for new, and "
            "they have read it before. Rebuild it and what is made of it (docs/operations.md, Checkpoints)"
        )
    return "false"
