"""CloudWatch Container Insights (EKS, Kubernetes, ECS): performance documents, every number in one being a metric.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference.html
They come as they are, or as the messages of a subscription to the log group that they are written to.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.cloudwatch_logs import events, is_subscription, time_of, why_ignored
from pipelines.sources.aws.metric_documents import DIRECTIVES, IDENTIFYING, declared_dimensions, measured, points_of
from pipelines.sources.aws.resource_ids import region_of_host, unnamed
from pipelines.sources.reading.variant import (
    elements,
    member,
    merged,
    none_if_empty,
    parse_whole,
    rest,
    text,
    time,
    word,
)
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_GROUP = r"/containerinsights/[^/]+/(performance|prometheus)$"
_DIMENSIONS = (*IDENTIFYING, "kubernetes.pod_name", "kubernetes.container_name", "kubernetes.namespace_name")
_SUBSCRIPTION = ("logGroup", "logStream", "subscriptionFilters")


def is_document(record: Column, topic: Column) -> Column:
    """`Type` is also the table of an Azure row, which has `TimeGenerated`."""
    is_performance = member(record, "Type").isNotNull() & member(record, "ClusterName").isNotNull()
    declares = elements(record, "CloudWatchMetrics").isNotNull()
    is_timed = member(record, "Timestamp", "Version", "CloudWatchMetrics", "_aws.Timestamp").isNotNull()
    return (is_performance | declares) & is_timed & member(record, "TimeGenerated").isNull()


def is_subscription_to_documents(record: Column, topic: Column) -> Column:
    """By the log group, or by all its messages. It only looks for names, as it would be dear to parse every log."""

    def looks_like_document(event: Column) -> Column:
        names = ('"ClusterName"', '"Type"', '"Timestamp"', '"Version"')
        return F.forall(F.array(*map(F.lit, names)), lambda name: F.contains(text(event, "message"), name))

    all_are = (F.size(events(record)) > 0) & F.forall(events(record), looks_like_document)
    in_group = F.coalesce(F.rlike(word(record, "logGroup"), F.lit(_GROUP)), F.lit(0) == 1)
    return is_subscription(record, topic) & (in_group | all_are)


def metrics_of(record: Column) -> Column:
    return points_of(F.array(F.struct(F.lit(None).cast("variant").alias("event"), record.alias("document"))))


def metrics_of_messages(record: Column) -> Column:
    def read(event: Column) -> Column:
        return F.struct(event.alias("event"), parse_whole(text(event, "message")).alias("document"))

    return points_of(F.transform(events(record), read))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    """The same of both: a document has none of the members that are read of a subscription."""
    labels, event, problem = member(part, "labels"), member(part, "event"), word(part, "problem")
    directives = elements(labels, *DIRECTIVES)
    value, account = text(part, "value"), word(record, "owner")
    node = word(labels, "NodeName", "kubernetes.host")
    namespace = F.coalesce(word(F.get(directives, 0), "Namespace"), F.lit("ContainerInsights"))
    return Metric(
        source=F.lit("aws.container_insights"),
        native_id=word(event, "id"),
        event_time=F.coalesce(time(labels, "Timestamp", "_aws.Timestamp"), time_of(event)),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region_of_host(node),
        resource_id=unnamed(account, region_of_host(node), namespace, _place(labels)),
        resource_type=F.concat(F.lit("ContainerInsights/"), word(labels, "Type")),
        host_name=F.lower(F.coalesce(node, word(labels, "EC2InstanceId", "InstanceId"))),
        attributes=merged(
            # What it declares of this metric is in columns.
            rest(labels, "Timestamp", "Version", "CloudWatchMetrics", "_aws", *_DIMENSIONS),
            _only(record, F.array(*map(F.lit, _SUBSCRIPTION))),
            rest(event, "id", "timestamp", "message"),
        ),
        namespace=namespace,
        metric=word(part, "name"),
        value=measured(value),
        unit=word(part, "unit"),
        dimensions=merged(_only(labels, declared_dimensions(directives)), _known_dimensions(labels)),
        unusable=F.coalesce(
            F.when(problem == "malformed_json", problem),
            F.when(part.isNull(), "wrong_shape"),
            F.when(value.isNotNull() & measured(value).isNull(), "bad_value"),
        ),
        ignored=F.coalesce(why_ignored(record), F.when(problem == "no_data_points", problem)),
    )


def _place(labels: Column) -> Column:
    """cluster/namespace/pod, cluster/node, cluster/task, …: what the document is about, within its cluster."""
    pod = word(labels, "kubernetes.pod_name", "FullPodName", "PodName")
    namespace = word(labels, "kubernetes.namespace_name", "Namespace")
    within = F.coalesce(
        F.when(pod.isNotNull(), F.concat_ws("/", namespace, pod)),
        word(labels, "NodeName", "TaskId", "ContainerInstanceId"),
        F.concat_ws("/", namespace, word(labels, "Service", "ServiceName")),
    )
    return F.nullif(F.concat_ws("/", word(labels, "ClusterName"), F.nullif(within, F.lit(""))), F.lit(""))


def _known_dimensions(labels: Column) -> Column:
    """Members of members keep the name within: pod_name."""
    names = [name.rsplit(".", 1)[-1] for name in _DIMENSIONS]
    pairs = [(F.lit(name), word(labels, path)) for name, path in zip(names, _DIMENSIONS, strict=True)]
    return none_if_empty(F.map_filter(F.create_map(*(side for pair in pairs for side in pair)), _is_there))


def _is_there(name: Column, value: Column) -> Column:
    return value.isNotNull()


def _only(record: Column, names: Column) -> Column:
    return F.map_filter(rest(record), lambda name, _: F.array_contains(names, name))


FAMILIES = (
    RecordFamily("aws.container_insights", is_document, Metric, decode, parts=metrics_of),
    RecordFamily(
        "aws.container_insights_subscription", is_subscription_to_documents, Metric, decode, parts=metrics_of_messages
    ),
)
