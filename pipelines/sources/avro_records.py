"""Our own Avro topics: records in the contracts of `schemas/avro`, each behind the id of its writer's schema.

A record is read with its writer's schema, so that fields that were added later are there at once: as the column of that
name, or as an attribute. A field whose type is not the column's is not converted: its records are quarantined.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)

from pipelines.sources.metrics import derive_metric
from pipelines.sources.pieces import GUID_FRAME, ID_FRAME
from pipelines.sources.resources import azure_columns
from pipelines.tables import Table, parse_type

# The name of a record's schema tells its table.
TABLES = {"Metric": "metrics", "Log": "logs", "Event": "events", "Heartbeat": "heartbeats"}
_HEAD = {ID_FRAME: 5, GUID_FRAME: 17}
# What the lakehouse writes itself, whatever a sender puts there.
_OURS = ("event_id", "kafka_timestamp", "ingest_time", "series_id", "topic", "partition", "offset", "item", "part")
# Types that a column takes besides its own, as none of their values changes.
_WIDENS = {
    (IntegerType, LongType), (IntegerType, DoubleType), (FloatType, DoubleType), (LongType, DoubleType),
}  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """A schema that records were written with: its frame in front of them, and its Avro JSON."""

    frame: bytes
    schema: str


def frame_of(payload: Column) -> Column:
    """What is in front of a record: the framing's first byte, and an id of 4 bytes or a GUID of 16."""
    length = F.when(F.startswith(payload, F.lit(GUID_FRAME)), _HEAD[GUID_FRAME]).otherwise(_HEAD[ID_FRAME])
    return payload.substr(F.lit(1), length)


def read(items: DataFrame, writer: Writer) -> DataFrame:
    """Adds `avro`, the record of items with `payload`; of nulls alone if it cannot be read with that schema."""
    body = F.col("payload").substr(F.lit(len(writer.frame) + 1), F.octet_length("payload"))
    return items.withColumn("avro", from_avro(body, writer.schema, {"mode": "PERMISSIVE"}))


def columns_of(record: StructType, table: Table) -> dict[str, Column]:
    """Column → its value in `avro`, a record of that type; what has no column is in `attributes`.

    `unusable` if the type of a field is not its column's.
    """
    types = {column.name: parse_type(column.type) for column in table.columns if column.name not in _OURS}
    own = {field.name: field.dataType for field in record.fields if field.name in types}
    contradicts = [name for name, found in own.items() if not _fits(found, types[name])]
    found = {
        name: F.col(f"avro.{name}").cast(kind) if name in own and name not in contradicts else F.lit(None).cast(kind)
        for name, kind in types.items()
    }
    others = [field.name for field in record.fields if field.name not in own and field.name not in _OURS]
    found["attributes"] = _with(found["attributes"], {name: _as_text(record[name].dataType, name) for name in others})
    # What cannot be read is a record of nothing.
    is_null = reduce(Column.__and__, (F.col(f"avro.{name}").isNull() for name in record.names))
    wrong = F.lit("wrong_type" if contradicts else None).cast("string")
    found["unusable"] = F.when(is_null, "malformed_avro").otherwise(wrong)
    return found


def derive(rows: DataFrame, table: Table) -> DataFrame:
    return rows.withColumns(azure_columns() | (derive_metric() if table.name == "metrics" else {}))


def _fits(found: DataType, wanted: DataType) -> bool:
    return found.simpleString() == wanted.simpleString() or (type(found), type(wanted)) in _WIDENS


def _as_text(kind: DataType, name: str) -> Column:
    column = F.col(f"avro.{name}")
    plain = isinstance(kind, StringType | IntegerType | LongType | FloatType | DoubleType | BooleanType | TimestampType)
    return column.cast("string") if plain else F.to_json(F.struct(column.alias(name)))


def _with(attributes: Column, others: dict[str, Column]) -> Column:
    if not others:
        return attributes
    extra = F.create_map(*(part for name, text in others.items() for part in (F.lit(name), text)))
    known = F.coalesce(attributes, F.create_map().cast("map<string,string>"))
    return F.map_concat(known, F.map_filter(extra, lambda _, text: text.isNotNull()))
