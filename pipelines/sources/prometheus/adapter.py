"""prometheus-kafka-adapter, JSON serialisation: one sample a Kafka value, every field a string.

Format: the `metric.avsc` schema of Telefónica's prometheus-kafka-adapter: timestamp (RFC 3339), value, name, labels.
NaN and ±Inf are Prometheus sample values and stay what they are; a reader of silver decides what they mean to it.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import MAP, Decoded, Family, strings
from pipelines.sources.reading.values import to_number, to_time
from pipelines.sources.reading.variant import text

_NAME = "__name__"


def decode(record: Column, topic: Column) -> Decoded:
    labels = record["labels"]
    host = F.coalesce(labels["node"], F.substring_index(labels["instance"], ":", 1))
    return Decoded(
        table=F.lit("metrics"),
        source=F.lit("prometheus"),
        native_id=F.lit(None),
        event_time=to_time(record["timestamp"]),
        # What a recording rule makes of many targets has neither.
        resource_id=F.coalesce(labels["instance"], labels["job"], topic),
        resource_type=F.lit("prometheus.target"),
        host_name=F.lower(host),
        namespace=F.lit("prometheus"),
        metric=record["name"],
        value=to_number(record["value"]),
        dimensions=_dimensions(labels, record["name"]),
        content=record["value"],
        reason=F.when(labels.isNull(), "bad_dimensions"),
    )


def _dimensions(labels: Column, name: Column) -> Column:
    """The labels without the metric's own name, unless it is another there. The adapter sorts labels by name, so that
    one is nearly always first; to cut it off costs a fraction of a look at each."""
    names, texts = F.map_keys(labels), F.map_values(labels)
    rest = F.map_from_arrays(F.slice(names, 2, F.size(names)), F.slice(texts, 2, F.size(texts)))
    has_it, is_first = labels[_NAME] == name, (F.get(names, F.lit(0)) == _NAME) & (F.get(texts, F.lit(0)) == name)
    return F.when(is_first, rest).when(has_it, _without_name(labels)).otherwise(labels)


def _without_name(labels: Column) -> Column:
    return F.map_filter(labels, lambda name, _: name != _NAME)


def claims(record: Column, topic: Column) -> Column:
    return text(record, "labels").isNotNull() & (text(record, "name").isNotNull() | text(record, "value").isNotNull())


FAMILY = Family(
    "prometheus", "labels", "name", f"{strings('timestamp', 'value', 'name')}, labels: {MAP}", decode, claims
)
