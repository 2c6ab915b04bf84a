"""Bronze rows → decoded records: every item of every value, with its columns or with the reason why it has none.

Each step is a projection of its own, because an expression that one projection names twice is evaluated twice. There is
no lambda and no regular expression where every record passes: each would cost about as much as the parsing.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources import log_analytics, log_analytics_perf, metric_stream, prometheus
from pipelines.sources.envelope import family_index, parse, records_of, wrap
from pipelines.sources.family import FIELDS, Family, field_of, nothing_for
from pipelines.sources.pieces import decode_pieces, pieces_type, raw_pieces

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
_CARRIED = (*POSITION[:3], *ARRIVAL)
RECORDS = tuple(f"r{index}" for index in range(len(FAMILIES)))


def decode(bronze: DataFrame) -> DataFrame:
    """One row per item: position, arrival, the columns of `Decoded`, ids, and `reason` if it failed.

    `bronze` has topic, partition, offset, kafka_timestamp, ingest_time and value (binary). `as_sent` is a row's text.
    """
    steps = (_look, _parse, _take_records, _take_apart, _explode, _decode_fields, _derive, _identify)
    return reduce(DataFrame.transform, steps, bronze)


def as_sent() -> Column:
    """The text of a decoded row's item: as it came, or written anew from its parsed members if it came among others."""
    return F.coalesce("raw", *(F.to_json(name) for name in RECORDS))


def _look(bronze: DataFrame) -> DataFrame:
    text = F.col("value").cast("string")
    family = family_index(F.col("value"), FAMILIES)
    return bronze.select(*_CARRIED, text.alias("text"), family.alias("family"), wrap(text).alias("wrapped"))


def _parse(looked: DataFrame) -> DataFrame:
    parsed = (
        parse(F.when(F.col("family") == index, F.col("wrapped")), family) for index, family in enumerate(FAMILIES)
    )
    return looked.select(*_CARRIED, "text", *(column.alias(name) for column, name in zip(parsed, RECORDS, strict=True)))


def _take_records(parsed: DataFrame) -> DataFrame:
    """Each value's records: in the column of its family; or if it is not wholly of one, in none."""
    records = (records_of(F.col(name), family).alias(name) for name, family in zip(RECORDS, FAMILIES, strict=True))
    return parsed.select(*_CARRIED, "text", *records)


def _take_apart(taken: DataFrame) -> DataFrame:
    """`pieces`: what is in the values that no family took as a whole."""
    is_taken = reduce(Column.__or__, (F.col(name).isNotNull() for name in RECORDS))
    with_raw = taken.select(*taken.columns, F.when(~is_taken, raw_pieces(F.col("text"))).alias("pieces"))
    pieces = F.when(F.col("pieces").isNotNull(), decode_pieces(F.col("text"), F.col("pieces"), FAMILIES))
    return with_raw.withColumn("pieces", pieces.cast(pieces_type(FAMILIES)))


def _explode(taken: DataFrame) -> DataFrame:
    """One row per item: a record in one of `r0`, `r1`, …, or `piece_reason`; `raw` where its text is known."""
    lists = (*RECORDS, "pieces")
    items = F.arrays_zip(*(_or_empty(taken, name).alias(name) for name in lists))
    is_alone = F.greatest(*(F.size(name) for name in RECORDS)) == 1
    exploded = taken.select(
        *_CARRIED, F.when(is_alone, F.col("text")).alias("text"), F.posexplode_outer(items).alias("item", "is")
    )
    return exploded.select(
        *_CARRIED,
        "item",
        *(F.coalesce(f"is.{name}", f"is.pieces.{name}").alias(name) for name in RECORDS),
        F.col("is.pieces.reason").alias("piece_reason"),
        F.coalesce(F.col("is.pieces.raw"), "text").alias("raw"),
    )


def _or_empty(frame: DataFrame, name: str) -> Column:
    return F.coalesce(name, F.array().cast(frame.schema[name].dataType))


def _decode_fields(split: DataFrame) -> DataFrame:
    records = [F.col(name) for name in RECORDS]
    decoded = [family.decode(record, F.col("topic")) for family, record in zip(FAMILIES, records, strict=True)]

    def choose(name: str) -> Column:
        chosen = nothing_for(name)
        for record, columns in reversed(list(zip(records, decoded, strict=True))):
            offered = field_of(columns, name)
            chosen = F.when(record.isNotNull(), nothing_for(name) if offered is None else offered).otherwise(chosen)
        return chosen

    return split.select(
        *POSITION,
        *ARRIVAL,
        *(choose(name).alias(name) for name in FIELDS if name != "reason"),
        F.coalesce("piece_reason", choose("reason")).alias("reason"),
        "raw",
        *RECORDS,
    )


def _derive(decoded: DataFrame) -> DataFrame:
    """What follows from the columns: the Azure columns of a resource id, reason and series_id."""
    is_metric, resource = F.col("table") == "metrics", F.col("resource_id")
    is_azure = F.startswith(resource, F.lit("/subscriptions/"))
    azure_type = F.concat_ws("/", _segment(resource, 7), _segment(resource, 8))
    no_number = F.when(F.coalesce("content", F.lit("")) == "", "no_value").otherwise("bad_value")
    derived = {
        "cloud_provider": F.coalesce("cloud_provider", F.when(is_azure, "azure")),
        "cloud_account_id": F.coalesce("cloud_account_id", F.when(is_azure, _segment(resource, 3))),
        "resource_type": F.coalesce("resource_type", F.when(is_azure, azure_type)),
        "reason": F.coalesce("reason", F.when(is_metric & F.col("value").isNull(), no_number)),
        "series_id": F.when(is_metric, F.xxhash64("resource_id", "namespace", "metric", _in_order("dimensions"))),
    }
    kept = [name for name in decoded.columns if name not in derived]
    return decoded.select(*kept, *(column.alias(name) for name, column in derived.items()))


def _identify(derived: DataFrame) -> DataFrame:
    """event_id is MD5 over what makes a record that record, so that a second delivery of it has the same one."""
    is_metric = F.col("table") == "metrics"
    numbers = F.xxhash64("value", "minimum", "maximum", "total", "sample_count", _in_order("percentiles"))
    identity = (
        F.coalesce("source", F.lit("")),
        F.coalesce("native_id", F.lit("")),
        F.coalesce("content", F.lit("")),
        F.coalesce(F.unix_micros("event_time"), F.lit(0)).cast("string"),
        F.when(is_metric, F.col("series_id").cast("string")).otherwise(F.coalesce("resource_id", F.lit(""))),
        F.when(is_metric, numbers.cast("string")).otherwise(F.lit("")),
    )
    return derived.withColumn("event_id", F.md5(F.concat_ws("\x1f", *identity).cast("binary")))


def _in_order(map_name: str) -> Column:
    """The entries of a map, in an order that does not depend on how they were sent."""
    entries = F.map_entries(map_name)
    return F.when(F.size(map_name) > 1, F.sort_array(entries)).otherwise(entries)


def _segment(path: Column, place: int) -> Column:
    """The text between two slashes, counted from 1. `split_part` would compile a regular expression for every row."""
    return F.substring_index(F.substring_index(path, "/", place), "/", -1)
