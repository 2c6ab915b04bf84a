"""prometheus-kafka-adapter, JSON serialisation: one sample a Kafka value, every field a string.

Format: the `metric.avsc` schema of Telefónica's prometheus-kafka-adapter: timestamp (RFC 3339), value, name, labels.
NaN and ±Inf are Prometheus sample values and stay what they are; a reader of silver decides what they mean to it.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import MAP, Decoded, Family, strings
from pipelines.sources.values import to_number, to_time


def decode(record: Column, topic: Column) -> Decoded:
    labels = record["labels"]
    host = F.coalesce(labels["node"], F.split_part(labels["instance"], F.lit(":"), F.lit(1)))
    return Decoded(
        table=F.lit("metrics"),
        source=F.lit("prometheus"),
        native_id=F.lit(None),
        event_time=to_time(record["timestamp"]),
        resource_id=F.coalesce(labels["instance"], labels["job"]),
        resource_type=F.lit("prometheus.target"),
        host_name=F.lower(host),
        namespace=F.lit("prometheus"),
        metric=record["name"],
        value=to_number(record["value"]),
        dimensions=F.map_filter(labels, lambda name, _: name != "__name__"),
        content=record["value"],
        reason=F.when(labels.isNull(), "bad_dimensions"),
    )


FAMILY = Family("prometheus", "labels", f"{strings('timestamp', 'value', 'name')}, labels: {MAP}", decode)
