"""The items that `decode` leaves to others: recognised by what they are, then decoded with one plan a family.

Input is what `decode` gives of them: position, part, arrival, event_id, raw, and `record` (variant) or `payload`
(binary).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.catalogue import RECORD_FAMILIES
from pipelines.sources.decode import ARRIVAL, POSITION
from pipelines.sources.metrics import derive_metric
from pipelines.sources.reading.hoist import Hoisted, hoisting
from pipelines.sources.reading.lines import as_record
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.resources import azure_columns
from pipelines.sources.rows import Metric, columns_of
from pipelines.tables import Table, contract

_KEPT = (*POSITION, *ARRIVAL)
# Why a row cannot be used, why it is nothing to use, and its text: null, but for the last, in a good one.
VERDICT = ("unusable", "ignored", "raw")
# A member that so many claims ask for is taken out of the record once.
_OFTEN = 4


def recognise(items: DataFrame) -> DataFrame:
    """Adds `family`, which family has the item; null if none. Lines of text become a `record` of theirs."""
    members, family = _claimed(RECORD_FAMILIES)
    read = items.withColumn("record", _record())
    return members.apply(read).withColumn("family", family).select(*read.columns, "family")


@cache
def _record() -> Column:
    return F.coalesce("record", as_record(F.col("payload")))


@cache
def _claimed(families: tuple[RecordFamily, ...]) -> tuple[Hoisted, Column]:
    record = F.col("record")

    def family() -> Column:
        claims = [F.when(family.claims(record, F.col("topic")), family.name) for family in families]
        return F.coalesce(*claims)

    with hoisting(Hoisted((record,))) as every:
        family()
    with hoisting(Hoisted((record,), every.asked, _OFTEN)) as members:
        return members, family()


def families_in(recognised: DataFrame) -> tuple[RecordFamily, ...]:
    """Runs a job."""
    return by_name([row["family"] for row in recognised.select("family").distinct().collect()])


def by_name(names: Collection[str]) -> tuple[RecordFamily, ...]:
    return tuple(family for family in RECORD_FAMILIES if family.name in names)


def unclaimed(recognised: DataFrame) -> DataFrame:
    """What no family has, for quarantine: position, arrival, part, event_id, source and VERDICT."""
    is_text = F.is_valid_utf8(F.col("payload").cast("string"))
    is_row = F.col("record").isNotNull() & (F.try_variant_get("record", "$.TimeGenerated", "string").isNotNull())
    why = (
        F.when(is_row, "unsupported_table")
        .when(F.col("payload").isNull(), "unknown_envelope")
        .when(is_text, "malformed_json")
        .otherwise("invalid_utf8")
    )
    is_left = F.col("family").isNull() & (F.col("record").isNotNull() | F.col("payload").isNotNull())
    return recognised.where(is_left).select(
        *_KEPT,
        "part",
        "event_id",
        F.lit(None).cast("string").alias("source"),
        why.alias("unusable"),
        F.lit(None).cast("string").alias("ignored"),
        _raw().alias("raw"),
    )


def table_of(family: RecordFamily) -> Table:
    return contract(f"silver.{family.row.table}")


def decode_family(recognised: DataFrame, family: RecordFamily) -> DataFrame:
    """One row per part: the columns of the family's table and VERDICT."""
    items = recognised.where(F.col("family") == family.name)
    kept = items.select(*_KEPT, F.col("part").alias("first"), "event_id", "record", _raw().alias("raw"))
    return kept.transform(_split, family).transform(_decode, family)


def _split(items: DataFrame, family: RecordFamily) -> DataFrame:
    """`part`, counted from `first`, which is not 0 for what was packed, and `one`; event_id is of the part."""
    if family.parts is None:
        return items.select(*items.columns, F.col("first").alias("part"), F.col("record").alias("one"))
    carried = [name for name in items.columns if name not in ("event_id", "raw")]
    listed = items.select(*items.columns, _parts(family).alias("parts"))
    # The text of the whole goes only to a part that has none of its own: it is copied for each, and files are large.
    is_needed = F.coalesce(F.size("parts"), F.lit(0)) <= 0
    raw = F.when(is_needed | F.exists("parts", lambda part: part.isNull()), F.col("raw"))
    slim = listed.select(*carried, "event_id", raw.alias("raw"), "parts")
    split = slim.select(*carried, "event_id", "raw", F.posexplode_outer("parts").alias("part", "one"))
    part = F.coalesce("part", F.lit(0))
    own_id = F.md5(F.concat_ws("\x1f", "event_id", part).cast("binary"))
    raw = F.coalesce(F.to_json("one"), "raw")
    return split.select(
        *carried, "one", (F.col("first") + part).alias("part"), own_id.alias("event_id"), raw.alias("raw")
    )


def _decode(split: DataFrame, family: RecordFamily) -> DataFrame:
    members, own = _own(family)
    table = table_of(family)
    decoded = members.apply(split).select(*_KEPT, "part", "event_id", "raw", *own)
    return decoded.withColumns(_derived(table.name)).select(*table.column_names, *VERDICT)


# Made once: a family's columns take hundreds of calls to the JVM, and are the same in each micro-batch.
@cache
def _own(family: RecordFamily) -> tuple[Hoisted, tuple[Column, ...]]:
    """The members that a family's rows are made of, and VERDICT and the table's own columns, made of those."""
    record, one = F.col("record"), F.col("one")
    with hoisting(Hoisted((record, one))) as asked:
        family.decode(record, one, F.col("topic"))
    with hoisting(Hoisted((record, one), as_map=asked.asked_whole())) as members:
        columns = columns_of(family.decode(record, one, F.col("topic")))
    table = table_of(family)
    types = {column.name: column.type for column in table.columns}
    own = {name: column.cast(types.get(name, "string")) for name, column in columns.items()}
    text = F.lit(None).cast("string")
    verdict = {"unusable": own.pop("unusable", text), "ignored": own.pop("ignored", text)}
    return members, (
        *(column.alias(name) for name, column in verdict.items()),
        *(own.get(name, F.lit(None).cast(types[name])).alias(name) for name in _own_columns(table)),
    )


@cache
def _derived(table: str) -> dict[str, Column]:
    return azure_columns() | (derive_metric() if table == Metric.table else {})


@cache
def _parts(family: RecordFamily) -> Column:
    assert family.parts is not None
    return family.parts(F.col("record"))


def _own_columns(table: Table) -> tuple[str, ...]:
    given = {*_KEPT, "part", "event_id"}
    return tuple(name for name in table.column_names if name not in given)


def _raw() -> Column:
    return F.coalesce("raw", F.to_json("record"), F.col("payload").cast("string"))
