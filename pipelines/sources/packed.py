"""Values that hold others: gzip (also several members), zlib or base64, alone or in a cloud's envelope; lists in lists.

CloudWatch Logs subscriptions and Firehose send gzip; a function is handed `{"awslogs":{"data":…}}`, Kinesis records
have the same below `kinesis`. Spark has no expression for it, so it is done over Arrow batches, and only where a
micro-batch has such values.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.sources.claimed_names import HOLDING_BYTES, HOLDING_RECORDS
from pipelines.sources.decode import ARRIVAL
from pipelines.sources.reading.variant import elements, text

_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
# gzip, and what JSON begins with: a brace or bracket, and what follows it.
_BASE64_STARTS = ("H4sI", "eyJ", "eyA", "ewo", "ew0", "ewk", "W3s", "Wwo", "WyA")
# A gzip member may claim to hold anything: more than this is no telemetry.
_LIMIT_BYTES = 256 << 20
_AUTO = 32 + zlib.MAX_WBITS
# The part of the first row of the n-th item inside is n times this: one value does not hold so many rows an item.
INNER_PARTS = 1_000_000
# Items of a value: `unpack` writes offset and item as one number, so that items inside can be numbered anew.
ITEMS = 1 << 24


def packed() -> Column:
    """What is packed in an item, as bytes; null if nothing is. An item has `record` (variant) or `payload` (binary)."""
    content = F.col("payload").cast("string")
    inner = F.coalesce(text(F.col("record"), *HOLDING_BYTES), F.btrim(content))
    is_base64 = reduce(Column.__or__, (F.startswith(inner, F.lit(start)) for start in _BASE64_STARTS))
    # The message of a queue may hold several records, of which `pieces` takes apart the outermost only.
    several = F.size(elements(F.col("record"), *HOLDING_RECORDS)) > 0
    is_compressed = F.lit(1) == 0
    for start in (_GZIP, *_ZLIB):
        is_compressed = is_compressed | F.startswith("payload", F.lit(start))
    return (
        F.when(is_compressed, F.col("payload"))
        .when(is_base64, F.try_to_binary(inner, F.lit("base64")))
        .when(several, F.to_json("record").cast("binary"))
    )


def unpack(items: DataFrame) -> DataFrame:
    """Items with `packed` → bronze rows of what is in them; `failure` says why there is nothing in one.

    Their `offset` is ITEMS times the offset, plus the item.
    """
    columns = ("topic", "partition", "offset", *ARRIVAL)
    at = items.withColumn("offset", F.col("offset") * ITEMS + F.col("item")).select(*columns, "packed")
    schema = ", ".join(f"`{name}` {at.schema[name].dataType.simpleString()}" for name in columns)
    opened = at.mapInArrow(_inflate_batches, f"{schema}, value binary, failure string")
    return opened.withColumn("headers", F.lit(None).cast("array<struct<key: string, value: binary>>"))


def _inflate_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        results = [_inflate(value) for value in batch.column("packed").to_pylist()]
        columns = [column for name, column in zip(batch.schema.names, batch.columns, strict=True) if name != "packed"]
        names = [name for name in batch.schema.names if name != "packed"]
        values = pa.array([value for value, _ in results], pa.binary())
        failures = pa.array([failure for _, failure in results], pa.string())
        yield pa.RecordBatch.from_arrays([*columns, values, failures], names=[*names, "value", "failure"])


def _inflate(data: bytes) -> tuple[bytes | None, str | None]:
    if not data.startswith((_GZIP, *_ZLIB)):
        return data, None
    content = bytearray()
    try:
        while data:
            member = zlib.decompressobj(_AUTO)
            content += member.decompress(data, _LIMIT_BYTES - len(content) + 1)
            if not member.eof or len(content) > _LIMIT_BYTES:
                return None, "malformed_gzip"
            data = member.unused_data.lstrip(b"\x00")
    except zlib.error:
        return None, "malformed_gzip"
    return bytes(content), None
