"""Quarantined items through decoding again, after a fix: what is good now goes to its table, once.

Each value that has such an item is read from bronze and decoded anew as a whole, as a fix may find more items in it.
What is in a silver table already, by its event_id, is not written again; so a run that was killed is simply repeated.
It may run beside the streams: they append to the same tables, and appends do not conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze
from pipelines.quality.invariants import check_invariants
from pipelines.routing import QUARANTINE, RECORD_TABLES, Routed, parameters, route, route_others, to_items
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, ensure_table, read_table

_VALUE = POSITION[:3]
_PLACE = (*POSITION, "part")


@dataclass(frozen=True)
class Redriven:
    """Rows of quarantine that were tried, and what became of them; `written` are the rows that silver gained."""

    tried: int
    resolved: int
    still_bad: int
    written: dict[str, int]


def redrive(
    spark: SparkSession, settings: Settings, schemas: Schemas, reason: str, since: datetime | None = None
) -> Redriven:
    """Try again what waits in quarantine for `reason`, of all time or ingested since.

    Raises QualityError, with nothing written, if a row breaks a rule whose action is to stop.
    """
    for table in (*RECORD_TABLES, QUARANTINE):
        ensure_table(spark, settings, table)
    waiting = _waiting(spark, settings)
    asked = waiting.where(F.col("reason") == reason)
    if since is not None:
        asked = asked.where(F.col("ingest_time") >= F.lit(since))
    asked = asked.select(*_PLACE).persist()
    tried = asked.count()
    if not tried:
        return Redriven(0, 0, 0, {})
    values = asked.select(*_VALUE).distinct()
    found = read_table(spark, settings, bronze.TABLE).join(F.broadcast(values), list(_VALUE))
    items = to_items(found, settings).localCheckpoint()
    routed = route(items)
    routed.add(route_others(items, settings, schemas))
    try:
        check_invariants(routed.tally(parameters(settings)), RECORD_TABLES, routed.of, parameters(settings))
        written = {table.name: _append_new(spark, settings, routed, table) for table in RECORD_TABLES}
        bad = reduce(DataFrame.unionByName, (rows.where(F.col("why").isNotNull()) for rows in routed.all()))
        bad_places = bad.select(*_PLACE).persist()
        _quarantine_new(spark, settings, routed, waiting)
        resolved = waiting.join(values, list(_VALUE), "left_semi").join(bad_places, list(_PLACE), "left_anti")
        # Without the plan that led to it, which MERGE would optimise all over again.
        places = resolved.select(*_PLACE).localCheckpoint()
        count = places.count()
        _mark(spark, settings, places)
        still = asked.join(bad_places, list(_PLACE), "left_semi").count()
        return Redriven(tried, count, still, {name: rows for name, rows in written.items() if rows})
    finally:
        routed.release()
        asked.unpersist()


def _waiting(spark: SparkSession, settings: Settings) -> DataFrame:
    rows = read_table(spark, settings, QUARANTINE).where(F.col("resolved_at").isNull())
    return rows.withColumn("part", F.coalesce("part", F.lit(0)))


def _append_new(spark: SparkSession, settings: Settings, routed: Routed, table: Table) -> int:
    good = routed.of(table)
    if good is None:
        return 0
    known = read_table(spark, settings, table).select("event_id")
    new = good.dropDuplicates(["event_id"]).join(known, "event_id", "left_anti").persist()
    count = new.count()
    if count:
        new.select(*table.column_names).write.format("delta").mode("append").save(table.path(settings))
    new.unpersist()
    return count


def _quarantine_new(spark: SparkSession, settings: Settings, routed: Routed, waiting: DataFrame) -> None:
    """What was part of a value that was bad as a whole, and is bad by itself now."""
    bad = routed.bad()
    assert bad is not None
    new = bad.join(waiting.select(*_PLACE), list(_PLACE), "left_anti").persist()
    if not new.isEmpty():
        new.select(*QUARANTINE.column_names).write.format("delta").mode("append").save(QUARANTINE.path(settings))
    new.unpersist()


def _mark(spark: SparkSession, settings: Settings, places: DataFrame) -> None:
    same = " AND ".join(f"q.`{name}` = p.`{name}`" for name in POSITION)
    (
        DeltaTable.forPath(spark, QUARANTINE.path(settings))
        .alias("q")
        .merge(places.alias("p"), f"{same} AND coalesce(q.part, 0) = p.part AND q.resolved_at IS NULL")
        .whenMatchedUpdate(set={"resolved_at": F.current_timestamp()})
        .execute()
    )
