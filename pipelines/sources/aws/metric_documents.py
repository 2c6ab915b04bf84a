"""A JSON document of CloudWatch that measures several things at once → one part for each.

Which members are metrics, and their units, it declares itself in `CloudWatchMetrics`:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.values import is_infinite, to_number
from pipelines.sources.reading.variant import elements, word

# Where a document declares them: in the first version of the format, and since.
DIRECTIVES = ("CloudWatchMetrics", "_aws.CloudWatchMetrics")
# What a document is about: what tells one series from another. Other text, such as a status, changes while it goes on.
IDENTIFYING = (
    "Type", "ClusterName", "NodeName", "InstanceId", "Namespace", "PodName", "FullPodName", "Service", "ContainerName",
    "ServiceName", "TaskId", "TaskDefinitionFamily", "ContainerInstanceId", "EC2InstanceId", "interface", "device",
    "fstype", "EBSVolumeId", "GpuDevice", "job", "instance",
)  # fmt: skip
# Members that may be numbers, and measure nothing.
_NO_METRICS = (*IDENTIFYING, "Timestamp", "Version", "TaskDefinitionRevision")
# The names that agents give to metrics; of such a one, the number may also stand in quotes.
_METRIC_NAME = r"^(node|pod|container|cluster|namespace|service|replicas|status|daemonset|deployment|statefulset)_"


def points_of(documents: Column) -> Column:
    """array<struct<event: variant, document: variant>> → array<variant>: a point for each metric of each document.

    A point has name, value, unit, the event, and `labels`: the members of the document that are no metrics. A document
    without metrics has one point with a `problem`.

    Each step is an array of its own, so that it is computed once: what a lambda names is computed for each element.
    """
    with_units = F.transform(documents, _with_units)
    sorted_out = F.transform(with_units, _metrics_and_labels)
    return F.flatten(F.transform(sorted_out, _points))


def measured(value: Column) -> Column:
    """Text → a finite number; null if it is none."""
    number = to_number(value)
    return F.when(~F.isnan(number) & ~is_infinite(number), number)


def declared_metrics(directives: Column) -> Column:
    """array<variant> → what all of them declare, as array<variant>."""
    return F.flatten(F.transform(directives, lambda directive: _or_none(elements(directive, "Metrics"))))


def declared_dimensions(directives: Column) -> Column:
    """The names of all their dimensions, as array<string>; empty if there are none."""
    sets = F.flatten(F.transform(directives, lambda directive: _or_none(elements(directive, "Dimensions"))))
    variants = F.flatten(F.transform(sets, lambda names: _or_none(elements(names))))
    names = F.transform(variants, lambda name: F.try_variant_get(name, "$", "string"))
    return F.array_distinct(F.coalesce(names, F.array().cast("array<string>")))


def _with_units(one: Column) -> Column:
    metrics = F.filter(
        declared_metrics(elements(one["document"], *DIRECTIVES)),
        lambda metric: word(metric, "Name").isNotNull(),
    )
    units = F.map_from_entries(
        F.transform(metrics, lambda metric: F.struct(word(metric, "Name"), word(metric, "Unit")))
    )
    return F.struct(
        one["event"].alias("event"),
        F.try_variant_get(one["document"], "$", "map<string,variant>").alias("members"),
        F.coalesce(units, F.create_map().cast("map<string,string>")).alias("units"),
    )


def _metrics_and_labels(one: Column) -> Column:
    def is_metric(name: Column, value: Column) -> Column:
        kind = F.schema_of_variant(value)
        is_number = kind.isin("BIGINT", "DOUBLE", "FLOAT") | F.startswith(kind, F.lit("DECIMAL"))
        in_quotes = (kind == "STRING") & F.rlike(name, F.lit(_METRIC_NAME)) & measured(_text(value)).isNotNull()
        is_declared = F.map_contains_key(one["units"], name)
        return (is_number | in_quotes | is_declared) & ~name.isin(*_NO_METRICS)

    return F.struct(
        one["event"].alias("event"),
        one["units"].alias("units"),
        F.map_filter(one["members"], is_metric).alias("metrics"),
        F.map_filter(one["members"], lambda name, value: ~is_metric(name, value)).alias("labels"),
    )


def _points(one: Column) -> Column:
    def point(name: Column, value: Column, problem: Column) -> Column:
        return F.to_variant_object(
            F.struct(
                name.alias("name"),
                value.alias("value"),
                one["units"][name].alias("unit"),
                one["labels"].alias("labels"),
                one["event"].alias("event"),
                problem.alias("problem"),
            )
        )

    no_text, no_value = F.lit(None).cast("string"), F.lit(None).cast("variant")
    why = F.when(one["metrics"].isNull(), "malformed_json").otherwise("no_data_points")
    found = F.transform(F.map_entries(one["metrics"]), lambda entry: point(entry["key"], entry["value"], no_text))
    return F.when(F.size(found) > 0, found).otherwise(F.array(point(no_text, no_value, why)))


def _text(value: Column) -> Column:
    return F.try_variant_get(value, "$", "string")


def _or_none(found: Column) -> Column:
    return F.coalesce(found, F.array().cast("array<variant>"))
