"""Quarantined items through decoding again, after a fix: what is good now goes to its table, once.

Each value that has such an item is read from bronze and decoded anew as a whole, as a fix may find more items in it.
What is in a silver table already, by its event_id, is not written again; so a run that was killed is simply repeated.

It may run beside the streams. A batch of silver may be in one table and not yet in another; so it waits for the batch
that silver is within, or it would take the neighbours of a bad record for missing and write them first. What it cannot
see is a second delivery that silver writes at the same moment: that is a late duplicate like any other, which
`reconcile` counts and removes. Two runs at once would write everything twice: the second one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, silver
from pipelines.conflicts import retried
from pipelines.operations.beside_streams import alone, wait_for_batch
from pipelines.quality.invariants import check_invariants
from pipelines.routing import QUARANTINE, RECORD_TABLES, Routed, parameters, route, route_others, to_items
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, delta_table, ensure_table, read_table, save_table

_VALUE = POSITION[:3]
_PLACE = (*POSITION, "part")
# What quarantine says of a row besides where and when it came.
_EXPLANATION = ("reason", "message", "source", "raw", "event_id")
# How long a batch of silver may take.
_BATCH_SECONDS = 120.0


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

    Raises StorageError if another run is at it, StreamError if silver was killed within a batch and has not repeated it
    yet, and QualityError, with nothing written, if a row breaks a rule whose action is to stop.
    """
    with alone(settings, "redrive"):
        for table in (*RECORD_TABLES, QUARANTINE):
            ensure_table(spark, settings, table)
        everything = read_table(spark, settings, QUARANTINE).where(F.col("resolved_at").isNull())
        everything = everything.withColumn("part", F.coalesce("part", F.lit(0)))
        is_asked = F.col("reason") == reason
        if since is not None:
            is_asked = is_asked & (F.col("ingest_time") >= F.lit(since))
        # Worked out once, before the wait: a row that comes later is of a batch that may not have ended.
        asked = everything.where(is_asked).select(*_PLACE).localCheckpoint()
        tried = asked.count()
        if not tried:
            return Redriven(0, 0, 0, {})
        values = asked.select(*_VALUE).distinct().localCheckpoint()
        waiting = everything.join(values, list(_VALUE), "left_semi").select(*_PLACE, "reason").localCheckpoint()
        wait_for_batch(settings, silver.QUERY, _BATCH_SECONDS)
        return _decode_again(spark, settings, schemas, asked, waiting)


def _decode_again(
    spark: SparkSession, settings: Settings, schemas: Schemas, asked: DataFrame, waiting: DataFrame
) -> Redriven:
    values = waiting.select(*_VALUE).distinct()
    found = read_table(spark, settings, bronze.TABLE).join(F.broadcast(values), list(_VALUE))
    items = to_items(found, settings).localCheckpoint()
    routed = route(items)
    routed.add(route_others(items, settings, schemas))
    try:
        check_invariants(routed.tally(parameters(settings)), RECORD_TABLES, routed.of, parameters(settings))
        written = {table.name: _append_new(spark, settings, routed, table) for table in RECORD_TABLES}
        bad = _bad(routed)
        _quarantine_new(settings, bad, waiting)
        count = _mark(spark, settings, bad, waiting)
        still = asked.join(bad, list(_PLACE), "left_semi").count()
        return Redriven(asked.count(), count, still, {name: rows for name, rows in written.items() if rows})
    finally:
        routed.release()


def _bad(routed: Routed) -> DataFrame:
    bad = routed.bad()
    assert bad is not None  # `route` has a frame of them, though it may be empty
    # Without the plan that led to it, which MERGE would optimise all over again.
    return bad.dropDuplicates(list(_PLACE)).localCheckpoint()


def _append_new(spark: SparkSession, settings: Settings, routed: Routed, table: Table) -> int:
    good = routed.of(table)
    if good is None:
        return 0
    known = read_table(spark, settings, table).select("event_id")
    new = good.dropDuplicates(["event_id"]).join(known, "event_id", "left_anti").persist()
    count = new.count()
    if count:
        save_table(new.select(*table.column_names).write.mode("append"), settings, table)
    new.unpersist()
    return count


def _quarantine_new(settings: Settings, bad: DataFrame, waiting: DataFrame) -> None:
    """What was part of a value that was bad as a whole, and is bad by itself now."""
    new = bad.join(waiting, list(_PLACE), "left_anti")
    if not new.isEmpty():
        save_table(new.select(*QUARANTINE.column_names).write.mode("append"), settings, QUARANTINE)


def _mark(spark: SparkSession, settings: Settings, bad: DataFrame, waiting: DataFrame) -> int:
    """Resolve what is no longer bad, and say why the rest is, if that has changed. The number of the resolved."""
    explained = bad.select(*_PLACE, *(F.col(name).alias(f"new_{name}") for name in _EXPLANATION))
    judged = waiting.join(explained, list(_PLACE), "left")
    judged = judged.where(F.col("new_reason").isNull() | (F.col("new_reason") != F.col("reason"))).localCheckpoint()
    same = " AND ".join(f"q.`{name}` = p.`{name}`" for name in POSITION)

    def mark() -> None:
        (
            delta_table(spark, settings, QUARANTINE)
            .alias("q")
            .merge(judged.alias("p"), f"{same} AND coalesce(q.part, 0) = p.part AND q.resolved_at IS NULL")
            .whenMatchedUpdate("p.new_reason IS NULL", {"resolved_at": F.current_timestamp()})
            .whenMatchedUpdate(set={name: F.col(f"p.new_{name}") for name in _EXPLANATION})
            .execute()
        )

    if not judged.isEmpty():
        retried(mark, QUARANTINE.full_name)
    return judged.where(F.col("new_reason").isNull()).count()
