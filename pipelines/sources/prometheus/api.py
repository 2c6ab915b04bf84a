"""Prometheus as JSON, of others than the Kafka adapter: answers of its query API, and remote write's protobuf as JSON.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
https://prometheus.io/docs/specs/prw/remote_write_spec/
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.times import epoch_to_time
from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import elements, member, members, none_if_empty, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_NAME = "__name__"
_SERIES = ("data.result", "timeseries", "timeSeries")


def is_series(record: Column, topic: Column) -> Column:
    is_answer = word(record, "data.resultType").isin("vector", "matrix")
    has_samples = F.exists(
        elements(record, "timeseries", "timeSeries"), lambda one: member(one, "labels", "samples").isNotNull()
    )
    return is_answer | F.coalesce(has_samples, F.lit(0) == 1)


def samples(record: Column) -> Column:
    """A part for each sample of each series: its labels, time and value."""
    return F.flatten(F.transform(elements(record, *_SERIES), _samples_of))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    labels = F.map_filter(members(part, "labels"), lambda name, _: name != _NAME)
    name = members(part, "labels")[_NAME]
    written = text(part, "value")
    return Metric(
        source=F.lit("prometheus.api"),
        event_time=epoch_to_time(text(part, "time")),
        resource_id=F.coalesce(labels["instance"], labels["job"], topic),
        resource_type=F.lit("prometheus.target"),
        host_name=F.lower(F.coalesce(labels["node"], F.substring_index(labels["instance"], ":", 1))),
        namespace=F.lit("prometheus"),
        metric=name,
        value=to_number(written),
        dimensions=none_if_empty(labels),
        unusable=F.when(written.isNotNull() & to_number(written).isNull(), "bad_value"),
        ignored=F.when(part.isNull() | (word(part, "is_there") == "false"), "no_data_points"),
    )


def _samples_of(series: Column) -> Column:
    named = F.transform(
        elements(series, "labels"), lambda label: F.struct(word(label, "name").alias("name"), text(label, "value"))
    )
    entries = F.map_from_entries(F.filter(named, lambda label: label["name"].isNotNull()))
    labels = F.coalesce(members(series, "metric"), entries, members(series, "labels"))
    single = F.when(member(series, "value").isNotNull(), F.array(member(series, "value")))
    found = F.coalesce(single, elements(series, "values", "samples"), F.array().cast("array<variant>"))

    def part(of: Column, sample: Column) -> Column:
        pair = elements(sample)
        at = F.coalesce(F.try_variant_get(F.get(pair, 0), "$", "string"), word(sample, "timestamp"))
        value = F.coalesce(F.try_variant_get(F.get(pair, 1), "$", "string"), text(sample, "value"))
        is_there = sample.isNotNull().alias("is_there")
        return F.to_variant_object(F.struct(of.alias("labels"), at.alias("time"), value.alias("value"), is_there))

    none = F.array(F.lit(None).cast("variant"))
    or_none = F.when(F.size(found) > 0, found).otherwise(none)
    return once(labels, lambda of: F.transform(or_none, lambda sample: part(of, sample)))


FAMILIES = (RecordFamily("prometheus.api", is_series, Metric, decode, parts=samples),)
