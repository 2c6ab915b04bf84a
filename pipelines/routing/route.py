"""Items → the rows of each silver table: what other families send is decoded where there is any, and all are judged.

The same for a micro-batch of the stream and for all of bronze, which `reconcile` accounts for.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.routing.avro import route_avro
from pipelines.routing.items import is_ignored, is_other, to_items
from pipelines.routing.routed import JUDGED, Routed, judge, parameters
from pipelines.routing.tables import HEARTBEATS, METRICS
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.avro_records import frame_of
from pipelines.sources.decode import ARRIVAL, POSITION, position_id
from pipelines.sources.other import by_name, decode_family, families_in, recognise, table_of, unclaimed
from pipelines.sources.packed import INNER_PARTS, ITEMS, packed, unpack
from pipelines.sources.pieces import is_framed
from pipelines.sources.record_family import RecordFamily

# Plans that are made at a time.
_PLANNERS = 4


def route(items: DataFrame) -> Routed:
    """Items of our own families as they are. To be persisted before: a filter would be pushed down and decode anew."""
    routed = Routed()
    judged = items.where(~is_other()).withColumns(
        {"why": F.when(~is_ignored(), F.col("reason")), "ignored": F.when(is_ignored(), F.col("reason"))}
    )
    for table in (METRICS, HEARTBEATS):
        mine = judged.where((F.col("table") == table.name) & F.col("reason").isNull())
        routed.tables[table.name] = [mine.select(*table.column_names, "why", "ignored", "raw")]
    routed.none.append(judged.where(F.col("reason").isNotNull()).select(*JUDGED))
    return routed


def route_others(items: DataFrame, settings: Settings, schemas: Schemas) -> Routed:
    """Items of other families: `packed` ones opened, Avro read with its schemas, and each family that is in it decoded.

    Runs a job to see which there are, and another if items are packed. `items` are to be persisted, as for `route`.
    """
    routed = Routed()
    recognised = routed.keep(recognise(items.where(is_other()).transform(_set_apart)))
    present = _look(recognised)
    routed.add(_decode_present(recognised, present.families, settings))
    if present.frames:
        framed = recognised.where(F.col("framed").isNotNull()).withColumn("payload", F.col("framed"))
        routed.add(route_avro(framed, present.frames, settings, schemas))
    if present.packed:
        opened = routed.keep(unpack(recognised.where(F.col("packed").isNotNull())))
        routed.none.append(_failures(opened))
        inside = to_items(opened.where(F.col("failure").isNull()), settings).transform(_at_the_outer_position)
        inner = routed.keep(inside.dropDuplicates(["event_id"]))
        routed.add(route(inner))
        recognised = routed.keep(recognise(inner.where(is_other())))
        routed.add(_decode_present(recognised, families_in(recognised), settings))
    return routed


@dataclass(frozen=True)
class _Present:
    """What is in a batch: families, frames of Avro, and how many items that hold others."""

    families: tuple[RecordFamily, ...]
    frames: tuple[bytes, ...]
    packed: int


def _set_apart(others: DataFrame) -> DataFrame:
    """`framed` and `packed`: bytes that are Avro or hold other items; no family is asked for what has these."""
    marked = others.withColumns({"framed": F.when(is_framed(F.col("payload")), F.col("payload")), "packed": packed()})
    marked = marked.withColumn("packed", F.when(F.col("framed").isNull(), F.col("packed")))
    is_plain = F.col("framed").isNull() & F.col("packed").isNull()
    return marked.withColumns({name: F.when(is_plain, F.col(name)) for name in ("record", "payload")})


def _look(recognised: DataFrame) -> _Present:
    found = recognised.agg(
        F.collect_set("family").alias("families"),
        F.collect_set(frame_of(F.col("framed"))).alias("frames"),
        F.count("packed").alias("packed"),
    ).first()
    assert found is not None
    return _Present(by_name(found["families"]), tuple(sorted(map(bytes, found["frames"]))), found["packed"])


def _decode_present(recognised: DataFrame, families: tuple[RecordFamily, ...], settings: Settings) -> Routed:
    routed = Routed()

    def decode(family: RecordFamily) -> DataFrame:
        return routed.keep(decode_family(recognised, family).transform(judge, table_of(family), parameters(settings)))

    # Nearly all of it is Spark's planning, in one thread each.
    with ThreadPoolExecutor(_PLANNERS) as pool:
        for family, rows in zip(families, pool.map(decode, families), strict=True):
            routed.tables.setdefault(table_of(family).name, []).append(rows)
    none = unclaimed(recognised).withColumns({"why": F.col("unusable")})
    routed.none.append(none.select(*JUDGED))
    return routed


def _failures(opened: DataFrame) -> DataFrame:
    failed = opened.where(F.col("failure").isNotNull()).transform(_position_of, F.lit(0))
    return failed.select(
        *POSITION,
        "part",
        *ARRIVAL,
        position_id().alias("event_id"),
        F.lit(None).cast("string").alias("source"),
        F.col("failure").alias("why"),
        F.lit(None).cast("string").alias("ignored"),
        F.lit(None).cast("string").alias("raw"),
    )


def _at_the_outer_position(inner: DataFrame) -> DataFrame:
    return inner.transform(_position_of, F.col("item").cast("bigint") * INNER_PARTS)


def _position_of(inner: DataFrame, part: Column) -> DataFrame:
    """`unpack` writes offset and item of the value as one number, so that `decode` can number what is inside."""
    at = {"part": part, "item": (F.col("offset") % ITEMS).cast("int"), "offset": F.expr(f"offset DIV {ITEMS}")}
    return inner.withColumns(at)
