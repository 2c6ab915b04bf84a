"""Make silver of a span anew from bronze, beside the streams, and put it in place: each table in one commit.

All is decoded, and written aside, before the first table is touched. Then each table that differs gets its rows in
place of those that it has of the span, in one commit (`replaceWhere`). A commit that removes rows is skipped by the
streams that read the table, and is news to the change data feed: gold that is worked out by the day follows with the
next refresh. A run that was killed between two tables is repeated: it works out the same again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from pipelines import bronze
from pipelines.errors import ContractError, StorageError
from pipelines.operations.beside_streams import alone, retried
from pipelines.operations.replay.closed import check_closed
from pipelines.operations.replay.compare import Change, change_of
from pipelines.operations.replay.rebuild import rebuilt
from pipelines.operations.replay.span import Span
from pipelines.routing import TABLES
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, read_table, save_table

# None of them may change what another has just read.
_ALONE = ("replay", "redrive", "maintain")


@dataclass(frozen=True)
class Plan:
    """What a replay would do, table by table; the new rows lie aside."""

    span: Span
    changes: tuple[Change, ...]
    was_interrupted: bool


def tables_named(names: Collection[str]) -> tuple[Table, ...]:
    """By full name, or without the layer; all that bronze gives rows to if none is named. Raises ContractError."""
    unknown = [name for name in names if not any(name in (one.full_name, one.name) for one in TABLES)]
    if unknown:
        there = ", ".join(one.full_name for one in TABLES)
        raise ContractError(f"table {unknown[0]} is not made of bronze values; those are: {there}")
    return tuple(one for one in TABLES if not names or one.full_name in names or one.name in names)


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
        for table in (bronze.TABLE, *TABLES):
            ensure_table(spark, settings, table)
        was_interrupted = _interrupted(settings, span)
        check_closed(spark, settings, span)
        changes = _stage(spark, settings, schemas, span, tables)
        plan = Plan(span, changes, was_interrupted)
        if confirm(plan):
            _marker(settings).write_text(json.dumps({"span": str(span)}), encoding="utf-8")
            for change in changes:
                if not change.is_none:
                    _swap(spark, settings, span, next(one for one in tables if one.full_name == change.table))
            shutil.rmtree(_folder(settings))
        elif not was_interrupted:
            shutil.rmtree(_folder(settings))
        return plan


def _interrupted(settings: Settings, span: Span) -> bool:
    """Whether a replay of this span was killed while it put its rows in place. StorageError: it was another span."""
    if not _marker(settings).exists():
        shutil.rmtree(_folder(settings), ignore_errors=True)
        _folder(settings).mkdir(parents=True)
        return False
    other = json.loads(_marker(settings).read_text(encoding="utf-8"))["span"]
    if other != str(span):
        raise StorageError(
            f"a replay of {other} was interrupted while it put its rows in place: some tables have them and some do "
            "not. Run it again with the same --from, --to and --topic first"
        )
    return True


def _stage(
    spark: SparkSession, settings: Settings, schemas: Schemas, span: Span, tables: Collection[Table]
) -> tuple[Change, ...]:
    changes = []
    with rebuilt(spark, settings, schemas, span) as found:
        for table in tables:
            found[table.full_name].write.mode("overwrite").parquet(_staged(settings, table))
    for table in tables:
        old = read_table(spark, settings, table).where(span.condition).select(*table.column_names)
        changes.append(change_of(table.full_name, old, _new(spark, settings, table)))
    return tuple(changes)


def _swap(spark: SparkSession, settings: Settings, span: Span, table: Table) -> None:
    def swap() -> None:
        writer = _new(spark, settings, table).write.mode("overwrite")
        note = json.dumps({"replayed": str(span)})
        writer = writer.option("replaceWhere", span.condition).option("userMetadata", note)
        save_table(writer, settings, table)

    retried(swap, table.full_name)


def _new(spark: SparkSession, settings: Settings, table: Table) -> DataFrame:
    return spark.read.parquet(_staged(settings, table)).select(*table.column_names)


def _folder(settings: Settings) -> Path:
    return settings.root / "_replay"


def _marker(settings: Settings) -> Path:
    return _folder(settings) / "putting_in_place.json"


def _staged(settings: Settings, table: Table) -> str:
    return str(_folder(settings) / table.full_name)
