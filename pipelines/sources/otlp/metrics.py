"""OTLP JSON metrics, as the OpenTelemetry Collector's Kafka exporter sends them (encoding otlp_json): a row a point.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
Each part carries, beside its point, what it needs of its metric, scope and resource, but not the other points.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.otlp.points import USED, beyond_double, measured
from pipelines.sources.otlp.resources import cloud, host_name, part_of_resource, resource_id, resource_type
from pipelines.sources.otlp.tree import Names, children, described, is_tree, leaves_of, misshapen, no_object
from pipelines.sources.otlp.values import attributes_of, beside, nanos
from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.variant import integer, joined, member, members, merged, pairs, rest, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_NAMES = Names(
    resources=("resourceMetrics", "resource_metrics"),
    scopes=("scopeMetrics", "scope_metrics", "instrumentationLibraryMetrics", "instrumentation_library_metrics"),
    leaves=("metrics",),
)
# The last seven are of OTLP before 0.9.
_KINDS = (
    "gauge", "sum", "histogram", "exponentialHistogram", "exponential_histogram", "summary",
    "intGauge", "doubleGauge", "intSum", "doubleSum", "intHistogram", "doubleHistogram", "doubleSummary",
)  # fmt: skip
_POINTS = ("dataPoints", "data_points")
_START = ("startTimeUnixNano", "start_time_unix_nano")
_TIME = ("timeUnixNano", "time_unix_nano")
_TEMPORALITY = ("aggregationTemporality", "aggregation_temporality")
_DELTA = ("1", "AGGREGATION_TEMPORALITY_DELTA", "DELTA")
_NO_RECORDED_VALUE = 1


def is_metrics(record: Column, topic: Column) -> Column:
    return is_tree(record, _NAMES)


def points(record: Column) -> Column:
    return F.flatten(F.transform(leaves_of(record, _NAMES), _points_of_metric))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    resource, scope, metric = (members(part, name) for name in ("resource", "scope", "of.metric"))
    resource = F.coalesce(resource, F.create_map().cast("map<string,string>"))
    point, data, misshapen_ = member(part, "point"), member(part, "of.data"), member(part, "of.misshapen")
    own = members(part, "own")
    values = measured(point, word(data, "kind"))
    has_no_value = F.coalesce(integer(point, "flags").bitwiseAND(_NO_RECORDED_VALUE) == 1, F.lit(0) == 1)
    is_delta = word(data, *_TEMPORALITY).isin(*_DELTA)
    seconds = F.unix_seconds(nanos(point, *_TIME)) - F.unix_seconds(nanos(point, *_START))
    return Metric(
        source=F.lit("otlp.metrics"),
        event_time=nanos(point, *_TIME),
        resource_id=resource_id(resource),
        resource_type=resource_type(resource),
        host_name=host_name(resource),
        **cloud(resource),
        namespace=F.coalesce(F.nullif(scope["otel.scope.name"], F.lit("")), F.lit("otlp")),
        metric=metric["name"],
        unit=F.nullif(metric["unit"], F.lit("")),
        value=values.value,
        minimum=values.minimum,
        maximum=values.maximum,
        total=values.total,
        sample_count=values.count,
        percentiles=values.percentiles,
        interval_seconds=F.when(is_delta & (seconds > 0), seconds).try_cast("int"),
        dimensions=beside(part_of_resource(resource), own),
        attributes=merged(
            resource,
            members(part, "besides"),
            scope,
            F.map_filter(metric, lambda name, _: ~name.isin("name", "unit")),
            members(data),
            rest(point, "attributes", "labels", *_TIME, *USED),
            pairs(asInt=beyond_double(point)),
        ),
        unusable=F.coalesce(F.when(misshapen_.isNotNull(), "wrong_shape"), values.problem),
        ignored=F.when(misshapen_.isNull() & (point.isNull() | has_no_value), "no_data_points"),
    )


def _points_of_metric(one: Column) -> Column:
    """A struct of `leaves_of` → the metric's points, as array<variant>."""
    metric = one["leaf"]
    data = member(metric, *_KINDS)
    kind = F.coalesce(*(F.when(member(metric, name).isNotNull(), name) for name in _KINDS))
    shared = F.struct(
        rest(metric, *_KINDS).alias("metric"),
        joined(rest(data, *_POINTS), F.create_map(F.lit("kind"), kind)).alias("data"),
        misshapen(data, F.coalesce(one["misshapen"], no_object(metric)), *_POINTS).alias("misshapen"),
    )

    def with_points(metric_of: Column) -> Column:
        def part(point: Column) -> Column:
            own = attributes_of(point).alias("own")
            return F.to_variant_object(F.struct(*described(one), metric_of.alias("of"), own, point.alias("point")))

        return F.transform(children(data, *_POINTS), part)

    return once(shared, with_points)


FAMILIES = (RecordFamily("otlp.metrics", is_metrics, Metric, decode, parts=points),)
