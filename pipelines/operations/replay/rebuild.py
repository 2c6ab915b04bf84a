"""Bronze rows of a span → the rows that each silver table should have of it, by the very code of the stream.

Nearly all columns of a row follow from its bronze value. What does not is which delivery of an event the stream kept:
it kept what its memory of an hour told, and of two in one batch any. What silver has is the witness: an item that is in
a table stays, and of an event that is in none the first delivery is taken, unless silver has it from outside the span.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pipelines import bronze
from pipelines.errors import StorageError
from pipelines.operations.replay.span import Span
from pipelines.quality.invariants import check_invariants
from pipelines.routing import (
    QUARANTINE,
    RECORD_TABLES,
    TABLES,
    Routed,
    parameters,
    route,
    route_others,
    to_items,
)
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, read_table

PLACE = (*POSITION, "part")


@contextmanager
def rebuilt(spark: SparkSession, settings: Settings, schemas: Schemas, span: Span) -> Iterator[dict[str, DataFrame]]:
    """Full name → all rows of each of TABLES for the span; to be used within the context.

    Raises QualityError if a row breaks a rule whose action is to stop, and StorageError if a schema is missing that was
    there when silver was made.
    """
    placed = _positions(spark, settings, span, TABLES).localCheckpoint()
    values = read_table(spark, settings, bronze.TABLE).where(span.condition)
    items = kept_deliveries(to_items(values, settings), placed).localCheckpoint()
    routed = route(items)
    try:
        routed.add(route_others(items, settings, schemas))
        check_invariants(routed.tally(parameters(settings)), RECORD_TABLES, routed.of, parameters(settings))
        bad = _bad(routed)
        _check_schemas(bad, _positions(spark, settings, span, RECORD_TABLES))
        found = {}
        for table in RECORD_TABLES:
            good = routed.of(table)
            rows = read_table(spark, settings, table).limit(0) if good is None else good
            found[table.full_name] = _without_known(spark, settings, span, table, rows, placed)
        bad = _without_known(spark, settings, span, QUARANTINE, bad, placed)
        found[QUARANTINE.full_name] = with_resolved(read_table(spark, settings, QUARANTINE).where(span.condition), bad)
        yield found
    finally:
        routed.release()


def kept_deliveries(items: DataFrame, placed: DataFrame) -> DataFrame:
    """Of each event the items that are `placed` (rows of POSITION), or else its first."""
    marked = items.join(placed.withColumn("is_placed", F.expr("true")), list(POSITION), "left")
    of_event = Window.partitionBy("event_id")
    in_order = of_event.orderBy("ingest_time", *POSITION)
    judged = marked.withColumns(
        {"any_placed": F.count("is_placed").over(of_event) > 0, "delivery": F.row_number().over(in_order)}
    )
    is_kept = F.col("is_placed").isNotNull() | (~F.col("any_placed") & (F.col("delivery") == 1))
    return judged.where(is_kept).select(*items.columns)


def with_resolved(old: DataFrame, bad: DataFrame) -> DataFrame:
    """What is bad now, and of what waited or was resolved before what is not bad any more, resolved."""
    part = F.coalesce("part", F.lit(0)).alias("part")
    places = bad.select(*POSITION, part)
    better = old.withColumn("part", part).join(places, list(PLACE), "left_anti")
    resolved = better.withColumn("resolved_at", F.coalesce("resolved_at", F.current_timestamp()))
    return bad.unionByName(resolved.select(*bad.columns))


def _bad(routed: Routed) -> DataFrame:
    bad = routed.bad()
    assert bad is not None  # `route` has a frame of them, though it may be empty
    return bad.dropDuplicates(list(PLACE)).localCheckpoint()


def _check_schemas(bad: DataFrame, placed: DataFrame) -> None:
    unread = bad.where("reason = 'unknown_schema'").join(placed, list(POSITION), "left_semi")
    if not unread.isEmpty():
        raise StorageError(
            "Avro records of the span are in silver and cannot be read now, as the registry has no schema of "
            "theirs: start it (`lakehouse up`, `lakehouse schemas`), then run this again; nothing has changed"
        )


def _without_known(
    spark: SparkSession, settings: Settings, span: Span, table: Table, rows: DataFrame, placed: DataFrame
) -> DataFrame:
    """Without the rows of items that are in no table, if silver has the event from outside the span."""
    new = rows.join(placed, list(POSITION), "left_anti").localCheckpoint()
    if new.isEmpty():
        return rows
    places = (table,) if table is QUARANTINE else (table, QUARANTINE)
    outside = [read_table(spark, settings, one).where(f"NOT ({span.condition})") for one in places]
    known = reduce(DataFrame.unionByName, (one.select("event_id") for one in outside))
    unknown = new.join(known, "event_id", "left_anti").select(*rows.columns)
    return rows.join(placed, list(POSITION), "left_semi").unionByName(unknown)


def _positions(spark: SparkSession, settings: Settings, span: Span, tables: tuple[Table, ...]) -> DataFrame:
    """The positions that have a row in one of the tables."""
    rows = (read_table(spark, settings, table).where(span.condition).select(*POSITION) for table in tables)
    return reduce(DataFrame.unionByName, rows).distinct()
