"""Bring silver.inventory up to date with what silver says. The table is a function of the rows of silver alone.

A micro-batch only tells which resources to look at: what it says is held against the table, and in nearly all batches
that is all. Of a resource with news, all that silver says since is read and its versions are worked out anew. So it
does not matter in which order rows come, how they are cut into batches, or how often a batch is repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce

from delta.exceptions import DeltaConcurrentModificationException
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.inventory.columns import FACTS, TOLD_BY
from pipelines.inventory.facts import with_facts
from pipelines.inventory.history import history_of
from pipelines.inventory.news import bases_of, news_of
from pipelines.inventory.rows import rows_of
from pipelines.inventory.statements import STATED, statements_of
from pipelines.settings import Settings
from pipelines.tables import contract, read_table

TABLE = contract("silver.inventory")
# OPTIMIZE takes the place of files that a MERGE has read; the MERGE is then repeated.
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0


def summary_of(statements: DataFrame) -> DataFrame:
    """One row a statement that a resource's source makes: `first` and `last`, when; `arrived`, of the oldest; facts."""
    distinct = statements.groupBy("resource_id", *STATED).agg(
        F.min("event_time").alias("first"), F.max("event_time").alias("last"), F.min("kafka_timestamp").alias("arrived")
    )
    return with_facts(distinct)


def update(summary: DataFrame, settings: Settings) -> int:
    """Versions written or removed. `summary` is of rows that silver has."""
    spark = summary.sparkSession
    inventory = read_table(spark, settings, TABLE)
    news = news_of(summary, inventory).localCheckpoint()
    earliest = news.agg(F.unix_micros(F.min("since")), F.count(F.lit(1))).first()
    assert earliest is not None
    if not earliest[1]:
        return 0
    bases = bases_of(news, inventory).localCheckpoint()
    since = bases.agg(F.unix_micros(F.min("since"))).first()
    assert since is not None
    said = _statements_since(bases.select("resource_id", "since"), settings, since[0])
    rows = rows_of(history_of(with_facts(said), bases), settings.inventory.owner_tags)
    replaced = inventory.join(bases.select("resource_id", F.col("base.at").alias("begin")), "resource_id").where(
        F.col("begin").isNull() | (F.col("valid_from") >= F.col("begin"))
    )
    changes = differences(rows, replaced.select(*rows.columns)).localCheckpoint()
    count = changes.count()
    if count:
        _merge(changes, settings)
    return count


def _statements_since(bases: DataFrame, settings: Settings, earliest: int) -> DataFrame:
    """What silver says of the resources since their base: each source's repetitions left out."""
    spark = bases.sparkSession

    def of_table(name: str) -> DataFrame:
        rows = read_table(spark, settings, contract(f"silver.{name}"))
        return statements_of(rows.where(F.col("event_time") >= F.timestamp_micros(F.lit(earliest))), name)

    said = reduce(DataFrame.unionByName, map(of_table, TOLD_BY))
    wanted = said.join(F.broadcast(bases), "resource_id").where(F.col("event_time") >= F.col("since"))
    content = F.struct(*FACTS, "tags")
    in_order = Window.partitionBy("resource_id", "source", "is_change").orderBy("event_time", F.xxhash64(content))
    repeats = ~F.col("is_change") & F.lag(content).over(in_order).eqNullSafe(content)
    return wanted.withColumn("repeats", repeats).where(~F.col("repeats")).drop("repeats", "since", "kafka_timestamp")


def differences(rows: DataFrame, replaced: DataFrame) -> DataFrame:
    """Rows that the table does not have so, and, with `is_gone`, the versions that it should no longer have."""
    keys = ("resource_id", "valid_from")
    content = F.struct(*(comparable(rows, name) for name in rows.columns if name not in keys))
    new, old = rows.withColumn("content", content), replaced.select(*keys, content.alias("content_before"))
    changed = new.join(old, list(keys), "left").where(~F.col("content").eqNullSafe(F.col("content_before")))
    gone = replaced.join(rows.select(*keys), list(keys), "left_anti")
    return changed.select(*rows.columns, F.expr("false").alias("is_gone")).unionByName(
        gone.select(*rows.columns, F.expr("true").alias("is_gone"))
    )


def comparable(rows: DataFrame, name: str) -> Column:
    """Maps as sorted entries: the order in which they were put together says nothing."""
    if name == "tags":
        return F.sort_array(F.map_entries(name)).alias(name)
    if name == "told":
        sorted_facts = F.transform(
            F.map_entries(name),
            lambda one: F.struct(one["key"], one["value"]["at"], F.sort_array(F.map_entries(one["value"]["facts"]))),
        )
        return F.sort_array(sorted_facts).alias(name)
    return F.col(name)


def _merge(changes: DataFrame, settings: Settings) -> None:
    spark = changes.sparkSession
    written = datetime.now(UTC)
    columns: dict[str, str | Column] = {
        name: F.col(f"new.{name}") for name in TABLE.column_names if name != "updated_at"
    }
    columns["updated_at"] = F.lit(written)

    def merge() -> None:
        (
            DeltaTable.forPath(spark, TABLE.path(settings))
            .alias("t")
            .merge(changes.alias("new"), "t.resource_id = new.resource_id AND t.valid_from = new.valid_from")
            .whenMatchedDelete("new.is_gone")
            .whenMatchedUpdate(set=columns)
            .whenNotMatchedInsert("NOT new.is_gone", values=columns)
            .execute()
        )

    retried(merge, _ATTEMPTS, _PAUSE_SECONDS)


def retried(commit: Callable[[], None], attempts: int, pause_seconds: float) -> None:
    """`commit`, again if another commit came between. Raises what the last attempt raised."""
    for attempt in range(1, attempts + 1):
        try:
            return commit()
        except DeltaConcurrentModificationException:
            if attempt == attempts:
                raise
            time.sleep(pause_seconds * attempt)
    return None
