"""Bronze rows → decoded records: every item of every value, with its columns or with the reason why it has none.

Each step is a projection of its own, because an expression that one projection names twice is evaluated twice.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources import log_analytics, log_analytics_perf, metric_stream, prometheus
from pipelines.sources.envelope import (
    any_of,
    family_index,
    is_many,
    is_single,
    opening,
    parse_many,
    parse_single,
    records_of,
)
from pipelines.sources.family import FIELDS, Family, field_of, nothing_for
from pipelines.sources.pieces import pieces, pieces_type

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
_RECORDS = tuple(f"r{index}" for index in range(len(FAMILIES)))


def decode(bronze: DataFrame) -> DataFrame:
    """One row per item: position, arrival, the columns of `Decoded`, ids, and `reason` and `raw` if it failed.

    `bronze` has topic, partition, offset, kafka_timestamp, ingest_time and value (binary).
    """
    return reduce(DataFrame.transform, (_split, _decode_fields, _identify), bronze)


def _split(bronze: DataFrame) -> DataFrame:
    return reduce(DataFrame.transform, (_look, _parse, _take_apart, _explode), bronze)


def _look(bronze: DataFrame) -> DataFrame:
    text = F.col("value").cast("string")
    return bronze.select(*_CARRIED, "value", family_index(text, FAMILIES).alias("family"), opening(text).alias("start"))


def _parse(looked: DataFrame) -> DataFrame:
    """`s<i>`: the value as one record of a family; `m<i>`: as many."""
    value, start = F.col("value"), F.col("start")
    text = value.cast("string")
    parsed = []
    for index, family in enumerate(FAMILIES):
        mine = F.when(F.col("family") == index, start)
        parsed += [
            parse_single(value, mine, family).alias(f"s{index}"),
            parse_many(text, mine, family).alias(f"m{index}"),
        ]
    return looked.select(*_CARRIED, text.alias("text"), *parsed)


def _take_apart(parsed: DataFrame) -> DataFrame:
    singles = [is_single(F.col(f"s{index}"), family) for index, family in enumerate(FAMILIES)]
    manies = [is_many(F.col(f"m{index}"), family) for index, family in enumerate(FAMILIES)]
    kept = []
    for index, (single, many) in enumerate(zip(singles, manies, strict=True)):
        kept += [
            F.when(single, F.col(f"s{index}")).alias(f"s{index}"),
            F.when(many, records_of(F.col(f"m{index}"))).alias(f"m{index}"),
        ]
    single = any_of(singles)
    is_alone = single | any_of(F.size(records_of(F.col(f"m{index}"))) == 1 for index in range(len(FAMILIES)))
    return parsed.select(
        *_CARRIED,
        F.when(is_alone, F.col("text")).alias("text"),
        *kept,
        F.when(~(single | any_of(manies)), pieces(F.col("text"), FAMILIES)).cast(pieces_type(FAMILIES)).alias("pieces"),
    )


def _explode(taken: DataFrame) -> DataFrame:
    """One row per item: a record in one of `r0`, `r1`, …, or `piece_reason`; `item_raw` where its text is known."""
    lists = [f"m{index}" for index in range(len(FAMILIES))] + ["pieces"]
    positions = [f"{name}_at" for name in lists]
    kept = [name for name in taken.columns if name not in lists]
    for name, position in zip(lists, positions, strict=True):
        rest = [other for other in lists if other > name] if name != "pieces" else []
        taken = taken.select(*kept, *rest, F.posexplode_outer(name).alias(position, f"{name}_is"))
        kept += [position, f"{name}_is"]
    return taken.select(
        *_CARRIED,
        F.coalesce(*positions, F.lit(0)).alias("item"),
        *(
            F.coalesce(f"s{index}", f"m{index}_is", f"pieces_is.r{index}").alias(name)
            for index, name in enumerate(_RECORDS)
        ),
        F.col("pieces_is.reason").alias("piece_reason"),
        F.coalesce(F.col("pieces_is.raw"), "text").alias("item_raw"),
    )


def _decode_fields(split: DataFrame) -> DataFrame:
    records = [F.col(name) for name in _RECORDS]
    decoded = [family.decode(record, F.col("topic")) for family, record in zip(FAMILIES, records, strict=True)]

    def choose(name: str) -> Column:
        offers = [(record, field_of(columns, name)) for record, columns in zip(records, decoded, strict=True)]
        branches = [F.when(record.isNotNull(), column) for record, column in offers if column is not None]
        return F.coalesce(*branches) if branches else nothing_for(name)

    return split.select(
        *POSITION,
        *ARRIVAL,
        *(choose(name).alias(name) for name in FIELDS if name != "reason"),
        F.coalesce("piece_reason", choose("reason")).alias("reason"),
        F.col("item_raw").alias("raw"),
        *_RECORDS,
    )


def _identify(decoded: DataFrame) -> DataFrame:
    """What follows from the columns: the Azure columns of a resource id, reason, series_id and event_id.

    event_id is MD5 over what makes a record that record, so that a second delivery of it has the same one.
    """
    is_metric, resource, content = F.col("table") == "metrics", F.col("resource_id"), F.col("content")
    part = {place: F.split_part(resource, F.lit("/"), F.lit(place)) for place in (3, 7, 8)}
    is_azure = F.startswith(resource, F.lit("/subscriptions/"))
    no_number = F.when(F.coalesce(content, F.lit("")) == "", "no_value").otherwise("bad_value")
    series = F.xxhash64("resource_id", "namespace", "metric", F.sort_array(F.map_entries("dimensions")))
    same = [name for name in decoded.columns if name not in _RECORDS]
    reason = F.coalesce("reason", F.when(is_metric & F.col("value").isNull(), no_number))
    as_sent = F.coalesce("raw", *(F.to_json(name) for name in _RECORDS))
    numbers = F.xxhash64(
        "value", "minimum", "maximum", "total", "sample_count", F.sort_array(F.map_entries("percentiles"))
    )
    new = {
        "cloud_provider": F.coalesce("cloud_provider", F.when(is_azure, "azure")),
        "cloud_account_id": F.coalesce("cloud_account_id", F.when(is_azure, part[3])),
        "resource_type": F.coalesce("resource_type", F.when(is_azure, F.concat_ws("/", part[7], part[8]))),
        "reason": reason,
        "raw": F.when(reason.isNotNull(), as_sent).otherwise(F.col("raw")),
    }
    identity = (
        F.coalesce("source", F.lit("")),
        F.coalesce("native_id", F.lit("")),
        F.coalesce("content", F.lit("")),
        F.coalesce(F.unix_micros("event_time"), F.lit(0)).cast("string"),
        F.when(is_metric, F.col("series_id").cast("string")).otherwise(F.coalesce(resource, F.lit(""))),
        F.when(is_metric, numbers.cast("string")).otherwise(F.lit("")),
    )
    return decoded.select(
        *(new.get(name, F.col(name)).alias(name) for name in same), F.when(is_metric, series).alias("series_id")
    ).withColumn("event_id", F.md5(F.concat_ws("\x1f", *identity).cast("binary")))
