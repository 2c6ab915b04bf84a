"""Bronze rows → decoded records: every item of every value, with its columns or with the reason why it has none.

Each step is a projection of its own, because an expression that one projection names twice is evaluated twice. There is
no lambda and no regular expression where every record passes: each would cost about as much as the parsing.

The columns of a step are made once (`cache`): making them takes thousands of calls to the JVM, and what is inside
packed values is decoded by the same steps in each micro-batch.
"""

from __future__ import annotations

from functools import cache, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.aws import metric_stream
from pipelines.sources.azure import log_analytics, log_analytics_perf
from pipelines.sources.claimed_names import is_foreign
from pipelines.sources.envelope import BLANK, END, STRICT, family_index, known_throughout, parse, records_of, wrap
from pipelines.sources.family import FIELDS, MAP, Family, failure, field_of, nothing_for, tighten
from pipelines.sources.metrics import in_order, series_id
from pipelines.sources.pieces import PIECE, enclosed, is_framed, take_apart, unwrap
from pipelines.sources.prometheus import adapter as prometheus
from pipelines.sources.reading.hoist import ENTRIES, ENTRIES_TYPE, WHOLE, Hoisted, hoisting
from pipelines.sources.reading.variant import merged, rest
from pipelines.sources.resources import azure_columns

# The first whose marker a record has gets it, so Perf stands before the other tables of Log Analytics.
FAMILIES: tuple[Family, ...] = (
    prometheus.FAMILY,
    metric_stream.FAMILY,
    log_analytics_perf.FAMILY,
    log_analytics.FAMILY,
)

POSITION = ("topic", "partition", "offset", "item")
ARRIVAL = ("kafka_timestamp", "ingest_time")
# Not telemetry and not an error: counted by reconcile, kept in bronze only.
IGNORED_REASONS = ("empty_records",)
# A line of a text whose samples have no times of their own: of a scrape, or a PUTVAL of now.
_TIMELESS = r"(?m)^(?:# (?:HELP|TYPE) |[a-zA-Z_:][\w:]*(?:\{[^\n]*\})?[ \t]+[-+.\dNI]\S*[ \t\r]*$|PUTVAL [^\n]* N:)"
_CARRIED = (*POSITION[:3], *ARRIVAL)
RECORDS = tuple(f"r{index}" for index in range(len(FAMILIES)))


def decode(bronze: DataFrame) -> DataFrame:
    """One row per item: position, arrival, the columns of `Decoded`, ids, and `reason` if it failed.

    `bronze` has topic, partition, offset, kafka_timestamp, ingest_time, value (binary) and headers. `as_sent` is a
    row's text. An item of another family than FAMILIES has neither table nor reason but its `record` (variant) or its
    `payload` (binary), for `other` to decode.
    """
    steps = (_look, _parse, _take_records, take_apart, _explode, _unwrap, _recognise, _read, _settle)
    return reduce(DataFrame.transform, (*steps, _decode_fields, _derive, _identify), bronze)


def as_sent() -> Column:
    """The text of a decoded row's item: as it came, or written anew from its parsed members if it came among others."""
    return F.coalesce("raw", *(F.to_json(name) for name in RECORDS))


def _look(bronze: DataFrame) -> DataFrame:
    family, known = _looked()
    looked = bronze.select(*_CARRIED, "value", "headers", family.alias("marked"))
    return looked.select(*_CARRIED, "value", "headers", *known)


@cache
def _looked() -> tuple[Column, tuple[Column, ...]]:
    text, marked = F.col("value").cast("string"), F.col("marked")
    known = known_throughout(marked, text, FAMILIES).alias("family")
    wrapped = F.when(marked.isNotNull(), wrap(text)).alias("wrapped")
    return family_index(F.col("value"), F.col("topic"), FAMILIES), (known, wrapped)


def _parse(looked: DataFrame) -> DataFrame:
    return looked.select(*_CARRIED, "value", "headers", *_parsed())


@cache
def _parsed() -> tuple[Column, ...]:
    parsed = (
        parse(F.when(F.col("family") == index, F.col("wrapped")), family) for index, family in enumerate(FAMILIES)
    )
    return tuple(column.alias(name) for column, name in zip(parsed, RECORDS, strict=True))


def _take_records(parsed: DataFrame) -> DataFrame:
    """Each value's records: in the column of its family; or if it is not wholly of one, in none."""
    taken = parsed.select(*_CARRIED, "value", "headers", *_taken())
    is_taken = reduce(Column.__or__, (F.col(name).isNotNull() for name in RECORDS))
    return taken.withColumn("is_taken", is_taken)


@cache
def _taken() -> tuple[Column, ...]:
    return tuple(records_of(F.col(name), family).alias(name) for name, family in zip(RECORDS, FAMILIES, strict=True))


def _explode(taken: DataFrame) -> DataFrame:
    """One row per item: a record in one of `r0`, `r1`, …, or a `piece`; `raw` where its text is known."""
    exploded, shown = _exploded()
    return taken.select(*_CARRIED, *exploded).select(*_CARRIED, *shown)


@cache
def _exploded() -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    types = {
        **{name: family.schema for name, family in zip(RECORDS, FAMILIES, strict=True)},
        "records": "variant",
        "pieces": PIECE,
    }
    lists = [F.coalesce(name, F.array().cast(f"array<{kind}>")).alias(name) for name, kind in types.items()]
    is_alone = F.greatest(*(F.size(name) for name in types)) == 1
    exploded = (
        F.when(is_alone, F.col("value").cast("string")).alias("text"),
        F.posexplode_outer(F.arrays_zip(*lists)).alias("item", "is"),
    )
    shown = (
        F.col("item"),
        *(F.col(f"is.{name}").alias(name) for name in RECORDS),
        F.coalesce("is.records", "is.pieces.record").alias("record"),
        F.col("is.pieces.payload").alias("payload"),
        F.col("is.pieces.reason").alias("piece_reason"),
        F.coalesce(F.col("is.pieces.raw"), "text").alias("raw"),
    )
    return exploded, shown


def _unwrap(exploded: DataFrame) -> DataFrame:
    """Out of the envelope of a queue, and out of the topic's within it."""
    members, message, entries = _enclosed()
    record, sent = F.col("record"), F.col("message")
    first = members.apply(exploded).withColumn("message", message).withColumn("inner", unwrap(record, sent))
    second = first.withColumn("again", F.when(sent.isNotNull(), enclosed(F.col("inner"))))
    third = second.withColumn("record", unwrap(F.col("inner"), F.col("again")))
    return third.withColumns(entries).drop("message", "inner", "again")


@cache
def _enclosed() -> tuple[Hoisted, Column, dict[str, Column]]:
    """The last are the record's entries, anew for one that was in an envelope; `_recognise` goes on with them."""
    with hoisting(_as_map()) as members:
        message = enclosed(members.records[0])
    anew = F.try_variant_get("record", WHOLE, ENTRIES_TYPE)
    return members, message, {ENTRIES: F.when(F.col("message").isNotNull(), anew).otherwise(F.col(ENTRIES))}


def _as_map() -> Hoisted:
    return Hoisted((F.col("record"),), as_map=frozenset({0}))


def _recognise(exploded: DataFrame) -> DataFrame:
    """`family`, which of ours a piece is; else its `own_id`; `canonical`, its text, but of another's object."""
    family, own_id, canonical = _recognised()
    found = exploded.withColumn("family", family)
    return found.withColumns({"own_id": own_id, "canonical": canonical}).drop(ENTRIES)


@cache
def _recognised() -> tuple[Column, Column, Column]:
    with hoisting(_as_map()) as members:
        (record,) = members.records
        claims = [F.when(family.claims(record, F.col("topic")), index) for index, family in enumerate(FAMILIES)]
    # They ask for texts alone, which are in the entries: `_recognise` adds no columns for others.
    assert not members.members
    assert not members.kept
    entries = F.col(ENTRIES)
    is_others = F.col("family").isNull() & entries.isNotNull()
    # All that it says, the same however its members were ordered. What is surely of no family goes to quarantine, each
    # time that it comes.
    own_id = F.when(is_foreign(entries), position_id()).otherwise(F.md5(F.to_json(entries).cast("binary")))
    family = F.when(record.isNotNull(), F.coalesce(*claims))
    return family, F.when(is_others, own_id), F.when(~is_others, F.to_json(record))


def _read(recognised: DataFrame) -> DataFrame:
    """The pieces of our families with their schemas, but that numbers may be text."""
    return recognised.withColumns(_loose()).drop("family")


@cache
def _loose() -> dict[str, Column]:
    whole = F.concat(F.expr("left(canonical, length(canonical) - 1)"), F.lit(END))
    return {
        f"loose_{name}": F.from_json(F.when(F.col("family") == index, whole), family.text_schema, STRICT)
        for index, (name, family) in enumerate(zip(RECORDS, FAMILIES, strict=True))
    }


def _settle(read: DataFrame) -> DataFrame:
    """Pieces beside the records of whole values; what is no piece of ours keeps its record, payload or reason."""
    return read.select(*_CARRIED, "item", "payload", "own_id", *_settled())


@cache
def _settled() -> tuple[Column, ...]:
    is_object = F.col("own_id").isNotNull() | F.startswith("canonical", F.lit("{"))
    reason = F.coalesce("piece_reason", F.when(~is_object, "wrong_shape"))
    records, ours, unread = [], F.lit(1) == 0, F.lit(None).cast(MAP)
    for name, family in zip(RECORDS, FAMILIES, strict=True):
        loose = F.col(f"loose_{name}")
        records.append(F.coalesce(name, tighten(loose, family)).alias(name))
        reason = F.coalesce(reason, failure(loose, family))
        ours = ours | loose.isNotNull()
        unread = F.coalesce(unread, F.when(loose.isNotNull(), rest(F.col("record"), *family.names)))
    other = F.col("record").isNotNull() & ~ours & is_object
    return (
        F.coalesce("raw", F.when(~other, F.col("canonical"))).alias("raw"),
        F.when(other, F.col("record")).alias("record"),
        *records,
        unread.alias("unread"),
        reason.alias("piece_reason"),
    )


def _decode_fields(split: DataFrame) -> DataFrame:
    return split.select(*POSITION, *ARRIVAL, *_chosen(), "raw", "record", "payload", "own_id", *RECORDS)


@cache
def _chosen() -> tuple[Column, ...]:
    records = [F.col(name) for name in RECORDS]
    decoded = [family.decode(record, F.col("topic")) for family, record in zip(FAMILIES, records, strict=True)]

    def choose(name: str) -> Column:
        chosen = nothing_for(name)
        for record, columns in reversed(list(zip(records, decoded, strict=True))):
            offered = field_of(columns, name)
            chosen = F.when(record.isNotNull(), nothing_for(name) if offered is None else offered).otherwise(chosen)
        return chosen

    attributes = choose("attributes")
    chosen = {name: choose(name) for name in FIELDS}
    # What a piece says that its schema does not know.
    chosen["attributes"] = F.when(F.col("unread").isNull(), attributes).otherwise(merged(attributes, F.col("unread")))
    chosen["reason"] = F.coalesce("piece_reason", chosen["reason"])
    return tuple(column.alias(name) for name, column in chosen.items())


def _derive(decoded: DataFrame) -> DataFrame:
    """What follows from the columns: the Azure columns of a resource id, reason and series_id."""
    return decoded.withColumns(_derived())


@cache
def _derived() -> dict[str, Column]:
    is_metric = F.col("table") == "metrics"
    no_number = F.when(F.coalesce("content", F.lit("")) == "", "no_value").otherwise("bad_value")
    return {
        **azure_columns(),
        "reason": F.coalesce("reason", F.when(is_metric & F.col("value").isNull(), no_number)),
        "series_id": F.when(is_metric, series_id()),
    }


def _identify(derived: DataFrame) -> DataFrame:
    """event_id is MD5 over what makes a record that record, so that a second delivery of it has the same one."""
    return derived.withColumn("event_id", _event_id()).drop("own_id")


@cache
def _event_id() -> Column:
    is_metric = F.col("table") == "metrics"
    numbers = F.xxhash64("value", "minimum", "maximum", "total", "sample_count", in_order("percentiles"))
    identity = (
        F.coalesce("source", F.lit("")),
        F.coalesce("native_id", F.lit("")),
        F.coalesce("content", F.lit("")),
        F.coalesce(F.unix_micros("event_time"), F.lit(0)).cast("string"),
        F.when(is_metric, F.col("series_id").cast("string")).otherwise(F.coalesce("resource_id", F.lit(""))),
        F.when(is_metric, numbers.cast("string")).otherwise(F.lit("")),
    )
    of_ours = F.md5(F.concat_ws("\x1f", *identity).cast("binary"))
    # Text of another family. A line may truly repeat, so it is known by where it came; lines, by what they say.
    text = F.col("payload").cast("string")
    is_line = (
        F.is_valid_utf8(text) & ~F.contains(F.rtrim(text, F.lit(BLANK)), F.lit("\n")) & ~is_framed(F.col("payload"))
    )
    # Such a text was true when it was sent. One of the same words, sent later, says that nothing has changed.
    sent = F.concat(F.col("payload"), F.unix_micros("kafka_timestamp").cast("string").cast("binary"))
    of_text = (
        F.when(is_line, position_id()).when(F.rlike(text, F.lit(_TIMELESS)), F.md5(sent)).otherwise(F.md5("payload"))
    )
    return F.coalesce(F.col("own_id"), F.when(F.col("payload").isNotNull(), of_text), of_ours)


def position_id() -> Column:
    """The id of what is known by where it came, as it may truly repeat: MD5 of POSITION."""
    return F.md5(F.concat_ws("\x1f", *POSITION).cast("binary"))
