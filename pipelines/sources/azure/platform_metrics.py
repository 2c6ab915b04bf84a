"""Azure platform metrics, as diagnostic settings send them to Event Hubs, and the Log Analytics table AzureMetrics.

https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings and …/reference/tables/azuremetrics
Some services write `count`, others `Count`, also in one array.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.resource_ids import RESOURCE_IDS, TIMES, has, place, place_taken, resource_id, time_of
from pipelines.sources.reading.hoist import kept, once
from pipelines.sources.reading.values import finite, to_number
from pipelines.sources.reading.variant import (
    elements,
    left_over,
    members,
    merged,
    pairs,
    read_listed,
    text,
    whole_of,
    word,
)
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_NAMES = ("metricName", "MetricName")
_NAMESPACES = ("metricNamespace", "MetricNamespace")
_GRAINS = ("timeGrain", "TimeGrain", "timegrain")
_UNITS = ("unit", "Unit", "unitName", "UnitName")
_DIMENSIONS = ("dimension", "dimensions", "Dimension", "Dimensions")
# What storage accounts write beside the statistics, not in an object of dimensions.
_FLAT = ("ApiName", "Authentication", "BlobType", "FileShare", "GeoType", "ResponseType", "Tier", "TransactionType")
_STATISTICS = ("average", "total", "minimum", "maximum", "count")
_DURATION = r"^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$"


def claims(record: Column, topic: Column) -> Column:
    is_measured = reduce(Column.__or__, (has(record, *_cases(name)) for name in _STATISTICS))
    return has(record, *_NAMES) & (has(record, *_GRAINS) | (is_measured & has(record, *RESOURCE_IDS)))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    given = {name: word(record, *_cases(name)) for name in _STATISTICS}
    numbers = {name: kept(finite(to_number(said))) for name, said in given.items()}
    name, namespace, unit, grain = (word(record, *names) for names in (_NAMES, _NAMESPACES, _UNITS, _GRAINS))
    resource, seconds = resource_id(record), kept(_seconds(grain))
    where, dimensions = place(record, resource), kept(_dimensions(kept(word(record, *_DIMENSIONS))))
    flat = pairs(**{name: text(record, name) for name in _FLAT})
    bad_number = reduce(Column.__or__, (given[name].isNotNull() & numbers[name].isNull() for name in _STATISTICS))
    taken = place_taken(record, resource) | {_cases(statistic): said for statistic, said in given.items()}
    taken |= {
        TIMES: word(record, *TIMES),
        _GRAINS: F.when(seconds.isNotNull(), grain),
        _DIMENSIONS: word(record, *_DIMENSIONS),
        _NAMES: name,
        _NAMESPACES: namespace,
        _UNITS: unit,
    }
    is_row = has(record, "TimeGenerated")
    return Metric(
        **where,
        source=F.when(is_row, "azure.log_analytics.azuremetrics").otherwise("azure.platform_metrics"),
        native_id=word(record, "_ItemId"),
        event_time=time_of(record),
        host_name=F.lower(word(record, "Computer")),
        namespace=F.coalesce(namespace, where["resource_type"], F.lit("azure")),
        metric=name,
        unit=unit,
        value=_value(numbers),
        minimum=numbers["minimum"],
        maximum=numbers["maximum"],
        total=numbers["total"],
        sample_count=numbers["count"],
        interval_seconds=seconds,
        dimensions=merged(flat, dimensions),
        attributes=left_over(record, taken, "Type", "_ItemId", "Computer", *_FLAT),
        unusable=F.coalesce(
            F.when(bad_number, "bad_value"),
            F.when(word(record, *_DIMENSIONS).isNotNull() & dimensions.isNull(), "bad_dimensions"),
        ),
    )


def _cases(name: str) -> tuple[str, str]:
    return name, name.capitalize()


def _value(numbers: dict[str, Column]) -> Column:
    """The average; where only a part of the statistics is sent, what it follows from, or the one that there is."""
    average = F.when(numbers["count"] > 0, numbers["total"] / numbers["count"])
    return F.coalesce(
        numbers["average"], average, numbers["total"], numbers["maximum"], numbers["minimum"], numbers["count"]
    )


def _seconds(grain: Column) -> Column:
    """PT1M → 60; also 00:01:00, as .NET writes it."""
    days, hours, minutes, seconds = (
        F.coalesce(F.regexp_extract(grain, _DURATION, group).try_cast("int"), F.lit(0)) for group in range(1, 5)
    )
    spelled = F.when(F.rlike(grain, F.lit(_DURATION)), days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    parts = [F.regexp_extract(grain, r"^(\d\d):(\d\d):(\d\d)$", group).try_cast("int") for group in (1, 2, 3)]
    return F.nullif(F.coalesce(spelled, parts[0] * 3_600 + parts[1] * 60 + parts[2]), F.lit(0))


def _dimensions(said: Column) -> Column:
    """An object, or a list of names and values, as JSON text → map<string,string>; null if it is none."""

    def named(entries: Column) -> Column:
        keys = F.transform(entries, lambda entry: entry["key"])
        is_map = F.forall(keys, Column.isNotNull) & (F.size(F.array_distinct(keys)) == F.size(keys))
        return F.when(is_map, F.map_from_entries(entries))

    def read(parsed: Column) -> Column:
        entries = F.transform(
            elements(parsed),
            lambda one: F.struct(word(one, "name", "Name").alias("key"), text(one, "value", "Value").alias("value")),
        )
        return F.coalesce(members(parsed), once(entries, named))

    return read(kept(whole_of(kept(read_listed(said)))))


FAMILIES = (RecordFamily("azure.platform_metrics", claims, Metric, decode),)
