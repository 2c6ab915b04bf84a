"""Files that no version within the retention refers to any more: removed from disk.

Files that compaction has replaced stay until no reader can ask for them: streams that were down for as long as
`Rules.keep_replaced` still find what they have not read, and the retention is longer where one of them is behind by
more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from pipelines.operations.maintenance.readers import oldest_need, positions
from pipelines.operations.maintenance.record import DONE, NOTHING, Effect
from pipelines.operations.maintenance.size import size_of_folder
from pipelines.settings import Settings
from pipelines.tables import Table

# Of clocks that differ, and the time between a look at the checkpoints and the vacuum.
_MARGIN = timedelta(hours=1)
_TASKS = "spark.sql.sources.parallelPartitionDiscovery.parallelism"


def vacuum(spark: SparkSession, settings: Settings, table: Table, now: datetime, keep_replaced: timedelta) -> Effect:
    """Raises StorageError if what a stream still needs cannot be told."""
    folder = Path(table.path(settings))
    before = size_of_folder(folder)
    delta = DeltaTable.forPath(spark, str(folder))
    detail = delta.detail().select("id").first()
    assert detail is not None
    needed = oldest_need(str(detail["id"]), folder / "_delta_log", positions(settings))
    keep = keep_for(now, needed, keep_replaced)
    with _listed_by_few_tasks(spark), _silent(spark):
        delta.vacuum(keep / timedelta(hours=1))
    after = size_of_folder(folder)
    outcome = DONE if after.files < before.files else NOTHING
    if keep > keep_replaced:
        outcome += f", kept for {ceil(keep / timedelta(days=1))} days as a stream is behind by that much"
    return Effect(before, after, 0, outcome)


@contextmanager
def _listed_by_few_tasks(spark: SparkSession) -> Iterator[None]:
    """By default Delta lists a folder with 10,000 tasks: on two cores most of a minute, however few files there are."""
    before = spark.conf.get(_TASKS)
    spark.conf.set(_TASKS, str(4 * spark.sparkContext.defaultParallelism))
    try:
        yield
    finally:
        spark.conf.set(_TASKS, str(before))


@contextmanager
def _silent(spark: SparkSession) -> Iterator[None]:
    """Delta prints how much it has deleted, past all loggers. Only what this thread prints is put aside."""
    jvm: Any = spark.sparkContext._jvm
    console = getattr(getattr(jvm.scala, "Console$"), "MODULE$")
    before = console.out()
    console.setOutDirect(jvm.java.io.PrintStream(jvm.java.io.OutputStream.nullOutputStream()))
    try:
        yield
    finally:
        console.setOutDirect(before)


def keep_for(now: datetime, needed: datetime | None, keep_replaced: timedelta) -> timedelta:
    """How long replaced files are kept: `keep_replaced`, or for as long as a stream has not read past `needed`."""
    return keep_replaced if needed is None else max(keep_replaced, now - needed + _MARGIN)
