"""Make silver of a span anew from bronze, and the rollup of its measurements from silver, beside the streams.

All is decoded, and written aside, before the first table is touched. Then each table of silver that differs gets its
rows in place of those that it has of the span, in one commit (`replaceWhere`); then the windows of the rollup that
differ, a day of them in a commit. A commit that removes rows is skipped by the streams that read the table, and is news
to the change data feed: gold that is worked out by the day follows with the next refresh. A run that was killed between
two commits is repeated: it works out the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import DataFrame, SparkSession

from pipelines import bronze
from pipelines.gold import metric_rollup
from pipelines.gold.bookmark import newest
from pipelines.gold.deleted_days import deleted_days
from pipelines.operations.beside_streams import alone
from pipelines.operations.replay import rollup, swap
from pipelines.operations.replay.aside import Aside, open_aside
from pipelines.operations.replay.closed import check_closed
from pipelines.operations.replay.compare import Change, change_of
from pipelines.operations.replay.rebuild import rebuilt
from pipelines.operations.replay.rollup import Part, Replayed
from pipelines.operations.replay.span import Span
from pipelines.operations.replay.windows import hours_of, in_parts
from pipelines.routing import METRICS, TABLES
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, load_table, read_table

# None of them may change what another has just read.
_ALONE = ("replay", "redrive", "maintain")


@dataclass(frozen=True)
class Plan:
    """What a replay would do, table by table; the new rows lie aside."""

    span: Span
    changes: tuple[Change, ...]
    was_interrupted: bool


def replay(
    spark: SparkSession,
    settings: Settings,
    schemas: Schemas,
    span: Span,
    tables: Collection[Table],
    confirm: Callable[[Plan], bool] = lambda _plan: True,
) -> Plan:
    """Make the span of `tables` anew. `confirm` sees the plan before any table is touched; False leaves all as it is.

    Raises StorageError if the span is not over, bronze no longer holds it, or another replay was interrupted.
    """
    with ExitStack() as stack:
        for operation in _ALONE:
            stack.enter_context(alone(settings, operation))
        for table in (bronze.TABLE, *TABLES, metric_rollup.TABLE):
            ensure_table(spark, settings, table)
        aside = open_aside(settings, span)
        unfinished = aside.unfinished
        check_closed(spark, settings, span)
        silver = tuple(table for table in TABLES if table in tables)
        changes = _stage(spark, settings, schemas, span, silver, aside)
        replayed = Replayed(
            spark, settings, span, lambda version: _metrics(spark, settings, span, silver, aside, version)
        )
        parts, hours = [], frozenset[datetime]()
        if metric_rollup.TABLE in tables:
            hours = _hours(replayed).union(unfinished.hours if unfinished else ())
            windows = in_parts(hours, _lost(spark, settings))
            parts = [rollup.stage(replayed, aside, some, number) for number, some in enumerate(windows)]
            changes += (_of_all(parts),)
        plan = Plan(span, changes, unfinished is not None)
        if confirm(plan):
            aside.begin(span, tuple(sorted(hours)))
            for table, change in zip(silver, changes, strict=False):
                if not change.is_none:
                    swap.put_in_place(spark, settings, span, table, aside)
            for number, part in enumerate(parts):
                if not part.change.is_none:
                    rollup.swap(replayed, aside, part, number)
            aside.clear()
        elif unfinished is None:
            aside.clear()
        return plan


def _stage(
    spark: SparkSession, settings: Settings, schemas: Schemas, span: Span, tables: tuple[Table, ...], aside: Aside
) -> tuple[Change, ...]:
    if not tables:
        return ()
    changes = []
    with rebuilt(spark, settings, schemas, span) as found:
        for table in tables:
            found[table.full_name].write.mode("overwrite").parquet(aside.rows_of(table.full_name))
    for table in tables:
        old = read_table(spark, settings, table).where(span.condition).select(*table.column_names)
        changes.append(change_of(table.full_name, old, swap.new_rows(spark, table, aside)))
    return tuple(changes)


def _metrics(
    spark: SparkSession, settings: Settings, span: Span, silver: tuple[Table, ...], aside: Aside, version: int
) -> DataFrame:
    """silver.metrics as of `version`, with what is new of the span, whether that is in place already or not."""
    rows = load_table(spark.read.option("versionAsOf", version), settings, METRICS)
    if METRICS not in silver:
        return rows
    outside = rows.where(f"NOT ({span.condition})").select(*METRICS.column_names)
    return outside.unionByName(swap.new_rows(spark, METRICS, aside))


def _hours(replayed: Replayed) -> frozenset[datetime]:
    """Of all measurements of the span, also of those that should not be there."""
    spark, settings, condition = replayed.spark, replayed.settings, replayed.span.condition
    there = read_table(spark, settings, METRICS).where(condition)
    to_be = replayed.metrics_at(newest(spark, settings, METRICS).version).where(condition)
    return hours_of(there) | hours_of(to_be)


def _lost(spark: SparkSession, settings: Settings) -> set[date]:
    """Days whose windows cannot be worked out again, or are gone themselves."""
    of_rollup = deleted_days(spark, settings, metric_rollup.TABLE, "window_start")
    return deleted_days(spark, settings, METRICS, "event_time") | of_rollup


def _of_all(parts: list[Part]) -> Change:
    """The changes of the rollup's parts as one."""
    found = [part.change for part in parts]
    sums = (sum(getattr(one, name) for one in found) for name in ("before", "after", "gone", "came"))
    return Change(metric_rollup.TABLE.full_name, *sums)
