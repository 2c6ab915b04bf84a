"""Which series are siblings: the same metric of the same kind of resource, but of another host.

A label that names the host (Prometheus' `instance`, CloudWatch's `InstanceId`) is no part of it, or each host would be
a group of its own. The others are: `C:` is compared with `C:`, a CPU's idle time with idle time.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.metrics import in_order

# What Prometheus' naming keeps for counters and for the parts of histograms and summaries, all of them sums of ever.
_SUMS = "_(total|bucket|sum|count)$"
# Azure ids and ARNs end with the name of the resource.
_NAME_IS_LAST = "^(/|arn:)"


def peer_group() -> Column:
    """Of a row of silver.metrics: xxhash64 of its kind of resource, namespace, metric, unit, and labels without those
    whose value is the resource's id or name, or its host's name."""
    words = [F.coalesce(F.col(name), F.lit("")) for name in ("resource_type", "namespace", "metric", "unit")]
    resource = F.lower("resource_id")
    last = F.when(resource.rlike(_NAME_IS_LAST), F.element_at(F.split(resource, "[/:]"), -1))
    names = [resource, *(F.coalesce(name, F.lit("")) for name in (F.lower("host_name"), last))]
    labels = F.filter(in_order("dimensions"), lambda label: ~F.lower(label["value"]).isin(*names))
    # A series without labels, and one that has but its host's name for a label, are alike.
    return F.xxhash64(*words, F.coalesce(labels, F.array().cast("array<struct<key:string,value:string>>")))


def is_comparable() -> Column:
    """Whether a value says how a host does now. What counts up since a start tells hosts apart by their age alone.

    So no counters of Prometheus, and no cumulative monotone sums of OpenTelemetry, which have no interval.
    """
    is_monotonic = F.lower(F.col("attributes")["isMonotonic"]).eqNullSafe("true")
    return ~counts_up() & ~(is_monotonic & F.col("interval_seconds").isNull())


def counts_up() -> Column:
    """Whether it is a counter by its namespace and name."""
    return (F.col("namespace") == "prometheus") & F.col("metric").rlike(_SUMS)
