"""Items that are Avro: each schema's records are read with that schema, and go to the table that it tells."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.routing.routed import JUDGED, Routed, judge, parameters
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings
from pipelines.sources.avro_records import TABLES, Writer, columns_of, derive, frame_of, read
from pipelines.sources.decode import ARRIVAL, POSITION
from pipelines.tables import contract


def route_avro(items: DataFrame, frames: tuple[bytes, ...], settings: Settings, schemas: Schemas) -> Routed:
    """Items with a payload behind one of `frames`. Those without a schema yet wait in quarantine, to be redriven."""
    routed = Routed()
    frame = frame_of(F.col("payload"))
    found = {one: schemas.schema(one[1:]) for one in frames}
    unknown = [one for one, schema in found.items() if schema is None or _table(schema) is None]
    for one, schema in found.items():
        if schema is not None and one not in unknown:
            name, rows = _read(items.where(frame == F.lit(one)), Writer(one, schema), settings)
            routed.tables.setdefault(name, []).append(routed.keep(rows))
    if unknown:
        text = F.lit(None).cast("string")
        verdict = {"why": F.lit("unknown_schema"), "ignored": text, "source": text}
        lost = items.where(frame.isin(*unknown)).withColumns(verdict)
        routed.none.append(lost.withColumn("raw", F.col("payload").cast("string")).select(*JUDGED))
    return routed


def _read(items: DataFrame, writer: Writer, settings: Settings) -> tuple[str, DataFrame]:
    name = _table(writer.schema)
    table = contract(f"silver.{name}")
    with_record = read(items, writer)
    record = with_record.schema["avro"].dataType
    assert isinstance(record, StructType)
    columns = columns_of(record, table)
    columns["source"] = F.coalesce(columns["source"], F.lit(f"telemetry.{table.name}"))
    rows = with_record.select(
        *(*POSITION, "part", *ARRIVAL, "event_id"),
        *(column.alias(column_name) for column_name, column in columns.items()),
        F.col("payload").cast("string").alias("raw"),
        F.lit(None).cast("string").alias("ignored"),
    )
    return table.name, rows.transform(derive, table).transform(judge, table, parameters(settings))


def _table(schema: str) -> str | None:
    """The silver table of the records of a schema; None if it is not one of ours."""
    parsed = json.loads(schema)
    name = parsed.get("name") if isinstance(parsed, dict) else None
    return TABLES.get(str(name).rpartition(".")[2])
