"""The floors: what Spark needs at least to read the same input, with nothing of ours on top."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_PROMETHEUS = "struct<timestamp: string, value: string, name: string, labels: map<string,string>>"
_METRIC_STREAM = (
    "struct<metric_stream_name: string, account_id: string, region: string, namespace: string, metric_name: string, "
    "dimensions: map<string,string>, timestamp: bigint, value: map<string,double>, unit: string>"
)
_LOG_ANALYTICS = (
    "struct<records: array<struct<TenantId: string, SourceSystem: string, TimeGenerated: string, Computer: string, "
    "ObjectName: string, CounterName: string, InstanceName: string, CounterValue: string, CounterPath: string, "
    "Type: string, _ItemId: string, _ResourceId: string, _Internal_WorkspaceResourceId: string, Version: string, "
    "OSType: string, OSName: string, Category: string>>>"
)


def from_json(bronze: DataFrame) -> DataFrame:
    """bronze → one row a record, parsed by Spark's from_json with each topic's own schema, nothing checked."""
    text = F.col("value").cast("string")
    parsed = {
        "prometheus": F.array(F.from_json(text, _PROMETHEUS)),
        "aws": F.from_json(
            F.concat(F.lit("["), F.replace(F.rtrim(text), F.lit("\n"), F.lit(",")), F.lit("]")),
            f"array<{_METRIC_STREAM}>",
        ),
        "azure": F.from_json(text, _LOG_ANALYTICS)["records"],
    }
    topic = F.col("topic")
    families = bronze.select(
        "topic",
        "partition",
        "offset",
        F.when(F.startswith(topic, F.lit("prom")), parsed["prometheus"]).alias("prometheus"),
        F.when(F.startswith(topic, F.lit("aws")), parsed["aws"]).alias("aws"),
        F.when(F.startswith(topic, F.lit("am-")), parsed["azure"]).alias("azure"),
    )
    empty = {name: F.coalesce(F.col(name), F.array().cast(families.schema[name].dataType)) for name in parsed}
    zipped = F.arrays_zip(*(empty[name].alias(name) for name in parsed))
    return families.select("topic", "partition", "offset", F.explode(zipped).alias("record")).select(
        "topic", "partition", "offset", "record.prometheus.*", F.struct("record.aws.*").alias("aws"),
        F.struct("record.azure.*").alias("azure"),
    )  # fmt: skip
