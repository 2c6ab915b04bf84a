"""Bronze rows → decoded records: every item of every value, with its columns or with the reason why it has none.

Each step is a projection of its own, because an expression that one projection names twice is evaluated twice.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources import log_analytics, metric_stream, prometheus
from pipelines.sources.envelope import family_records, is_fast, parse_value, pieces, value_reason
from pipelines.sources.family import FIELDS, Family, field_of, nothing_for

FAMILIES: tuple[Family, ...] = (prometheus.FAMILY, metric_stream.FAMILY, log_analytics.FAMILY)

POSITION = ("topic", "partition", "offset", "item")
ARRIVAL = ("kafka_timestamp", "ingest_time")
# Not telemetry and not an error: counted by reconcile, kept in bronze only.
IGNORED_REASONS = ("empty_records",)


def decode(bronze: DataFrame) -> DataFrame:
    """One row per item: position, arrival, the columns of `Decoded`, ids, and `reason` and `raw` if it failed.

    `bronze` has topic, partition, offset, kafka_timestamp, ingest_time and value (binary).
    """
    return reduce(DataFrame.transform, (_split, _decode_fields, _identify), bronze)


def _split(bronze: DataFrame) -> DataFrame:
    """One row per item: a record in one of `r0`, `r1`, …, or `reason`; `raw` where the text of the item is known."""
    carried = [*POSITION[:3], *ARRIVAL]
    text, reason, fast = F.col("text"), F.col("value_reason"), F.col("fast")
    records = [family_records(F.col("parsed"), index) for index in range(len(FAMILIES))]
    names = [f"r{index}" for index in range(len(FAMILIES))]
    slow = F.when(~fast, pieces(text, reason, FAMILIES))
    return (
        bronze.select(*carried, F.col("value").cast("string").alias("text"))
        .select(*carried, text, value_reason(text).alias("value_reason"), parse_value(text, FAMILIES).alias("parsed"))
        .select(
            *carried,
            text,
            reason,
            *(found.alias(name) for found, name in zip(records, names, strict=True)),
            (reason.isNull() & is_fast(records, text)).alias("fast"),
        )
        .select(
            *carried,
            F.when(fast & (F.greatest(*(F.size(name) for name in names)) == 1), text).alias("text"),
            *(_or_empty(F.when(fast, F.col(name)), f"array<{family.schema}>").alias(name)
              for name, family in zip(names, FAMILIES, strict=True)),
            _or_empty(slow, _pieces_type()).alias("pieces"),
        )
        .select(*carried, "text", F.posexplode(F.arrays_zip(*names, "pieces")).alias("item", "element"))
        .select(
            *POSITION,
            *ARRIVAL,
            *(F.coalesce(F.col(f"element.{name}"), F.col(f"element.pieces.{name}")).alias(name) for name in names),
            F.col("element.pieces.reason").alias("piece_reason"),
            F.coalesce(F.col("element.pieces.raw"), "text").alias("item_raw"),
        )
    )  # fmt: skip


def _decode_fields(split: DataFrame) -> DataFrame:
    records = [F.col(f"r{index}") for index in range(len(FAMILIES))]
    decoded = [family.decode(record, F.col("topic")) for family, record in zip(FAMILIES, records, strict=True)]

    def choose(name: str) -> Column:
        offers = [(record, field_of(columns, name)) for record, columns in zip(records, decoded, strict=True)]
        branches = [F.when(record.isNotNull(), column) for record, column in offers if column is not None]
        return F.coalesce(*branches) if branches else nothing_for(name)

    marked = [F.when(record[family.marker].isNotNull(), 1) for family, record in zip(FAMILIES, records, strict=True)]
    unmarked = F.when(F.coalesce(*marked).isNull(), "unknown_envelope")
    reason = F.coalesce("piece_reason", unmarked, choose("reason"))
    as_sent = F.coalesce("item_raw", *(F.when(record.isNotNull(), F.to_json(record)) for record in records))
    return split.select(
        *POSITION,
        *ARRIVAL,
        *(choose(name).alias(name) for name in FIELDS if name != "reason"),
        reason.alias("reason"),
        F.when(reason.isNotNull(), as_sent).otherwise(F.col("item_raw")).alias("raw"),
    )


def _identify(decoded: DataFrame) -> DataFrame:
    """What follows from the ids: the Azure columns of a resource id, series_id and event_id.

    event_id is MD5 over what makes a record that record, so that a second delivery of it has the same one.
    """
    part = {place: F.split_part("resource_id", F.lit("/"), F.lit(place)) for place in (3, 7, 8)}
    is_azure = F.startswith("resource_id", F.lit("/subscriptions/"))
    series = F.xxhash64("resource_id", "namespace", "metric", F.sort_array(F.map_entries("dimensions")))
    texts = [F.coalesce(F.col(name), F.lit("")) for name in ("source", "native_id", "resource_id", "metric", "content")]
    content = F.concat_ws("\x1f", *texts, F.unix_micros("event_time").cast("string"), F.col("series_id").cast("string"))
    return decoded.withColumns(
        {
            "cloud_provider": F.coalesce("cloud_provider", F.when(is_azure, "azure")),
            "cloud_account_id": F.coalesce("cloud_account_id", F.when(is_azure, part[3])),
            "resource_type": F.coalesce("resource_type", F.when(is_azure, F.concat_ws("/", part[7], part[8]))),
            "series_id": F.when(F.col("table") == "metrics", series),
        }
    ).withColumn("event_id", F.md5(content.cast("binary")))


def _or_empty(array: Column, type_name: str) -> Column:
    return F.coalesce(array, F.array().cast(type_name))


def _pieces_type() -> str:
    records = ", ".join(f"r{index}: {family.schema}" for index, family in enumerate(FAMILIES))
    return f"array<struct<{records}, raw: string, reason: string>>"
