"""Bring silver.inventory up to date with what silver says. The table is a function of the rows of silver alone.

A micro-batch only tells which resources to look at: what it says is held against the table, and in nearly all batches
that is all. Of a resource with news, all that silver says since is read and its versions are worked out anew. So it
does not matter in which order rows come, how they are cut into batches, or how often a batch is repeated.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.inventory.columns import FACTS, TOLD_BY
from pipelines.inventory.facts import with_facts
from pipelines.inventory.history import history_of
from pipelines.inventory.news import bases_of, news_of
from pipelines.inventory.rows import rows_of
from pipelines.inventory.statements import STATED, statements_of
from pipelines.settings import Settings
from pipelines.tables import contract, delta_table, read_table

TABLE = contract("silver.inventory")
KEYS = TABLE.keys
# OPTIMIZE takes the place of files that a MERGE has read; the MERGE is then repeated.
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0


def summary_of(statements: DataFrame) -> DataFrame:
    """One row a statement that a resource's source makes: `first` and `last`, when; `arrived`, of the oldest; facts."""
    spans = (F.min("first").alias("first"), F.max("last").alias("last"), F.min("arrived").alias("arrived"))
    distinct = statements.groupBy("resource_id", *STATED).agg(
        F.min("event_time").alias("first"), F.max("event_time").alias("last"), F.min("kafka_timestamp").alias("arrived")
    )
    # Again, as different words may be the same fact.
    return with_facts(distinct).groupBy("resource_id", "source", "is_change", "facts").agg(*spans)


def update(summary: DataFrame, settings: Settings) -> int:
    """Versions written or removed. `summary` is of rows that silver has."""
    spark = summary.sparkSession
    inventory = read_table(spark, settings, TABLE)
    news = news_of(summary, inventory).localCheckpoint()
    if news.isEmpty():
        return 0
    bases = bases_of(news, inventory).localCheckpoint()
    # Each step without the plans of those before: the optimizer would look at all of them again.
    said = _said(summary, bases, settings).localCheckpoint()
    rows = rows_of(history_of(said, bases), settings.inventory.owner_tags).localCheckpoint()
    begun = bases.select("resource_id", F.col("base.at").alias("begin"))
    replaced = inventory.join(begun, "resource_id").where(
        F.col("begin").isNull() | (F.col("valid_from") >= F.col("begin"))
    )
    changes = differences(rows, replaced.select(*rows.columns)).localCheckpoint()
    count = changes.count()
    if count:
        _merge(changes, settings)
    return count


def _said(summary: DataFrame, bases: DataFrame, settings: Settings) -> DataFrame:
    """All that is said of the resources since their base: resource_id, event_time, source, is_change, facts."""
    columns = ("resource_id", "event_time", "source", "is_change", "facts")
    here = summary.join(bases.where("is_plain").select("resource_id"), "resource_id", "left_semi")
    plain = here.withColumn("event_time", F.col("first")).select(*columns)
    others = bases.where(~F.col("is_plain"))
    earliest = others.agg(F.unix_micros(F.min("since"))).first()
    assert earliest is not None
    if earliest[0] is None:
        return plain
    read = _statements_since(others.select("resource_id", "since"), settings, earliest[0])
    return plain.unionByName(with_facts(read).select(*columns))


def _statements_since(bases: DataFrame, settings: Settings, earliest: int) -> DataFrame:
    """What silver says of the resources since their base: each source's repetitions left out."""
    spark = bases.sparkSession

    def of_table(name: str) -> DataFrame:
        rows = read_table(spark, settings, contract(f"silver.{name}"))
        return statements_of(rows.where(F.col("event_time") >= F.timestamp_micros(F.lit(earliest))), name)

    said = reduce(DataFrame.unionByName, map(of_table, TOLD_BY))
    # Kept: the optimizer would look at what leads to it for each column that follows.
    wanted = said.join(F.broadcast(bases), "resource_id").where(F.col("event_time") >= F.col("since")).localCheckpoint()
    content = F.struct(*FACTS, "tags")
    in_order = Window.partitionBy("resource_id", "source", "is_change").orderBy("event_time", F.xxhash64(content))
    repeats = ~F.col("is_change") & F.lag(content).over(in_order).eqNullSafe(content)
    return wanted.withColumn("repeats", repeats).where(~F.col("repeats")).drop("repeats", "since", "kafka_timestamp")


def differences(rows: DataFrame, replaced: DataFrame) -> DataFrame:
    """Rows that the table does not have so, and, with `is_gone`, the keys of versions that it should no longer have."""
    content = F.struct(*(comparable(rows, name) for name in rows.columns))
    sides = [side.select(*rows.columns, content.alias("content")) for side in (rows, replaced)]
    new, old = sides[0].alias("new"), sides[1].alias("old")
    same_key = [F.col(f"new.{name}") == F.col(f"old.{name}") for name in KEYS]
    found = new.join(old, same_key, "full").where(~F.col("new.content").eqNullSafe(F.col("old.content")))
    return found.select(
        *(F.coalesce(f"new.{name}", f"old.{name}").alias(name) for name in KEYS),
        *(F.col(f"new.{name}") for name in rows.columns if name not in KEYS),
        F.col("new.resource_id").isNull().alias("is_gone"),
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
            delta_table(spark, settings, TABLE)
            .alias("t")
            .merge(changes.alias("new"), "t.resource_id = new.resource_id AND t.valid_from = new.valid_from")
            .whenMatchedDelete("new.is_gone")
            .whenMatchedUpdate(set=columns)
            .whenNotMatchedInsert("NOT new.is_gone", values=columns)
            .execute()
        )

    retried(merge, TABLE.full_name, _ATTEMPTS, _PAUSE_SECONDS)
