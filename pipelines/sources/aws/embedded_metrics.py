"""CloudWatch embedded metric format: a log document that declares in `_aws` which of its members are metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.metric_documents import declared_dimensions, declared_metrics, measured
from pipelines.sources.aws.resource_ids import unnamed
from pipelines.sources.reading.variant import elements, member, merged, none_if_empty, rest, text, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_DIRECTIVES = "_aws.CloudWatchMetrics"
# A statistic set. Exponential histograms have `Values` and `Counts` besides.
_SET = ("Min", "Max", "Sum", "Count")


def claims(record: Column, topic: Column) -> Column:
    return member(record, _DIRECTIVES).isNotNull()


def metrics_of(record: Column) -> Column:
    """One of a directive's metrics at a time, with its value and what the directive says of all, as array<variant>."""

    def split(directive: Column) -> Column:
        def one(metric: Column) -> Column:
            names = F.struct(
                member(directive, "Namespace").alias("Namespace"),
                member(directive, "Dimensions").alias("Dimensions"),
                metric.alias("Metric"),
                F.try_variant_get(record, "$", "map<string,variant>")[word(metric, "Name")].alias("Value"),
            )
            return F.to_variant_object(names)

        return F.transform(declared_metrics(F.array(directive)), one)

    return F.flatten(F.transform(elements(record, _DIRECTIVES), split))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    namespace, account = word(part, "Namespace"), word(record, "account_id", "AccountId")
    region = word(record, "region", "Region")
    value = member(part, "Value")
    alone, samples = measured(_text(value)), _samples(value)
    count = F.coalesce(measured(text(value, "Count")), F.size(samples).cast("double"))
    total = F.coalesce(measured(text(value, "Sum")), F.aggregate(samples, F.lit(0.0), lambda one, two: one + two))
    found = F.coalesce(alone, F.try_divide(total, count))
    dimensions = _only(record, declared_dimensions(F.array(part)))
    return Metric(
        source=F.lit("aws.embedded_metrics"),
        event_time=time(record, "_aws.Timestamp", "Timestamp", "timestamp"),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=unnamed(account, region, namespace, _as_text(dimensions)),
        resource_type=namespace,
        host_name=F.lower(word(record, "host", "Host", "hostname", "InstanceId")),
        attributes=merged(
            _labels(record),
            rest(member(record, "_aws"), "Timestamp", "CloudWatchMetrics"),
            rest(member(part, "Metric"), "Name", "Unit"),
            rest(value, *_SET),
        ),
        namespace=namespace,
        metric=word(part, "Metric.Name"),
        value=found,
        minimum=F.coalesce(measured(text(value, "Min")), F.array_min(samples)),
        maximum=F.coalesce(measured(text(value, "Max")), F.array_max(samples)),
        total=F.when(alone.isNull(), total),
        sample_count=F.when(alone.isNull(), count),
        unit=word(part, "Metric.Unit"),
        dimensions=dimensions,
        unusable=F.when(elements(record, _DIRECTIVES).isNull(), "wrong_shape").when(
            _text(value).isNotNull() & found.isNull(), "bad_value"
        ),
        ignored=F.when(part.isNull() & elements(record, _DIRECTIVES).isNotNull(), "no_data_points"),
    )


def _samples(value: Column) -> Column:
    """A metric may be a list of up to 100 numbers; null if it is none, or if one of them is no number."""
    numbers = F.transform(elements(value), lambda sample: measured(_text(sample)))
    return F.when((F.size(numbers) > 0) & F.forall(numbers, lambda number: number.isNotNull()), numbers)


def _labels(record: Column) -> Column:
    """The members that are neither metric nor dimension."""
    directives = elements(record, _DIRECTIVES)
    metrics = F.transform(declared_metrics(directives), lambda metric: word(metric, "Name"))
    known = F.concat(
        F.coalesce(metrics, F.array().cast("array<string>")), declared_dimensions(directives), F.array(F.lit("_aws"))
    )
    return none_if_empty(
        F.map_filter(rest(record), lambda name, _: ~F.coalesce(F.array_contains(known, name), F.lit(0) == 1))
    )


def _only(record: Column, names: Column) -> Column:
    return none_if_empty(F.map_filter(rest(record), lambda name, _: F.array_contains(names, name)))


def _as_text(dimensions: Column) -> Column:
    entries = F.sort_array(F.map_entries(dimensions))
    return F.array_join(F.transform(entries, lambda entry: F.concat_ws("=", entry["key"], entry["value"])), ",")


def _text(value: Column) -> Column:
    return F.try_variant_get(value, "$", "string")


FAMILIES = (RecordFamily("aws.embedded_metrics", claims, Metric, decode, parts=metrics_of),)
