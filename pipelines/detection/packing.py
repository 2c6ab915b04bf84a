"""Rows as Arrow batches in a binary column, on their way through a stateful operator.

Spark 4.2 hands rows to a stateful Python processor one by one, as tuples that it makes frames of again, which
takes far longer than scoring does. So the rows of a bucket are packed into few before it, and taken apart after it,
by functions of whole Arrow batches (`mapInArrow`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming.stateful_processor import StatefulProcessor
from pyspark.sql.types import StructType

BUCKET, ROWS = "bucket", "rows"
PACKED = f"{BUCKET} int, {ROWS} binary"
PACKED_ROWS = f"{ROWS} binary"


def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches whose first column is the bucket → a row a bucket of each batch, in the columns of PACKED."""
    for batch in batches:
        if not batch.num_rows:
            continue
        buckets = batch.column(0).to_numpy()
        order = np.argsort(buckets, kind="stable")
        content = batch.select(batch.schema.names[1:]).take(pa.array(order))
        found, starts = np.unique(buckets[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        packed = [
            to_bytes(content.slice(start, end - start))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        yield pa.RecordBatch.from_arrays([pa.array(found, pa.int32()), pa.array(packed, pa.binary())], [BUCKET, ROWS])


def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A column of packed rows → the rows."""
    for batch in batches:
        for packed in batch.column(0):
            yield from pa.ipc.open_stream(packed.as_py())


def to_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def frame_of(packed: Iterable[bytes]) -> pd.DataFrame:
    """Packed rows as one frame, their times in UTC without a zone."""
    table = pa.concat_tables(pa.ipc.open_stream(one).read_all() for one in packed)
    return table.cast(_without_zones(table.schema)).to_pandas()


def packed_frame(frame: pd.DataFrame, schema: pa.Schema) -> bytes:
    """A frame with the columns of `schema`, times in UTC without a zone, as packed rows; NaN becomes null."""
    batch = pa.RecordBatch.from_pandas(frame, schema=_without_zones(schema), preserve_index=False)
    return to_bytes(batch.cast(schema))


def arrow_schema(ddl: str) -> pa.Schema:
    """Columns in Spark's words as Spark has them in Arrow. Only in the driver."""
    columns = StructType.fromDDL(ddl)
    assert isinstance(columns, StructType)
    return to_arrow_schema(columns, timezone="UTC")


def through_buckets(rows: DataFrame, processor: StatefulProcessor, scored: str) -> DataFrame:
    """A stream whose first column is the bucket → what `processor` makes of it, in the columns of `scored` (DDL).

    The processor gets frames of a column ROWS, packed rows of one bucket, and gives frames of the same.
    """
    packed = rows.mapInArrow(pack, PACKED).groupBy(BUCKET)
    return packed.transformWithStateInPandas(processor, PACKED_ROWS, "Append", "None").mapInArrow(unpack, scored)


def _without_zones(schema: pa.Schema) -> pa.Schema:
    plain = pa.timestamp("us")
    return pa.schema([field.with_type(plain) if pa.types.is_timestamp(field.type) else field for field in schema])
