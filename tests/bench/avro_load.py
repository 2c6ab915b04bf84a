"""Our own metrics as Avro, one record a value behind the id of its schema, as a fleet's agents would send them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro, to_avro

from pipelines.operations.avro_contracts import avro_contracts
from tests.bench.family_load import START_MS, as_bronze

_FRAME = b"\x00\x00\x00\x00\x01"


@dataclass(frozen=True)
class AvroLoad:
    name: ClassVar[str] = "Avro telemetry.metrics"
    topic: ClassVar[str] = "telemetry.metrics"

    def bronze_rows(self, spark: SparkSession, records: int) -> DataFrame:
        number = F.col("id").cast("string")
        record = F.struct(
            F.timestamp_millis(F.lit(START_MS) + F.col("id")).alias("event_time"),
            F.concat(F.lit("n-"), number, F.lit(":9100")).alias("resource_id"),
            F.lit("node").alias("namespace"),
            F.lit("node_load1").alias("metric"),
            F.lit(0.75).alias("value"),
            *(F.lit(None).cast("string").alias(name) for name in ("unit",)),
            *(F.lit(None).cast("double").alias(name) for name in ("minimum", "maximum", "total", "sample_count")),
            F.lit(15).alias("interval_seconds"),
            F.create_map(F.lit("job"), F.lit("node")).alias("dimensions"),
            *(
                F.lit(None).cast("string").alias(name)
                for name in (
                    "native_id", "host_name", "cloud_provider", "cloud_account_id", "cloud_region", "resource_type",
                )
            ),
            F.create_map(F.lit("agent"), F.lit("1.0")).alias("attributes"),
        )  # fmt: skip
        value = F.concat(F.lit(_FRAME), to_avro(record, schema_of_metrics()))
        return as_bronze(spark.range(0, records, numPartitions=4), value, self.topic)

    def parsed(self, rows: DataFrame) -> DataFrame:
        body = F.col("value").substr(F.lit(len(_FRAME) + 1), F.octet_length("value"))
        return rows.select("topic", "partition", "offset", from_avro(body, schema_of_metrics()).alias("read"))


class OneSchema:
    """Stands for a registry that has the metrics' schema under the id 1: the bench is of decoding, not of asking."""

    def schema(self, identity: bytes) -> str | None:
        return schema_of_metrics() if identity == _FRAME[1:] else None


def schema_of_metrics() -> str:
    return next(contract.schema for contract in avro_contracts() if contract.topic == AvroLoad.topic)
