"""CloudWatch Metric Streams, JSON output format: one object a metric and minute, a line each, many in one Kafka value.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.envelope import first_line
from pipelines.sources.family import MAP, Decoded, Family, Loose, strings
from pipelines.sources.reading.values import epoch_ms_to_time, finite, is_infinite, to_number
from pipelines.sources.reading.variant import text

_TEXTS = ("metric_stream_name", "account_id", "region", "namespace", "metric_name", "unit")
_STATISTICS = ("count", "sum", "min", "max")
# The dimension that names the resource itself, and the ARN that goes with it.
_ARNS = (
    ("AWS/EC2", "InstanceId", "ec2", "instance/"),
    ("CWAgent", "InstanceId", "ec2", "instance/"),
    ("AWS/RDS", "DBInstanceIdentifier", "rds", "db:"),
    ("AWS/ApplicationELB", "LoadBalancer", "elasticloadbalancing", "loadbalancer/"),
    ("AWS/Lambda", "FunctionName", "lambda", "function:"),
    ("AWS/SQS", "QueueName", "sqs", ""),
    ("AWS/DynamoDB", "TableName", "dynamodb", "table/"),
)


def decode(record: Column, topic: Column) -> Decoded:
    statistics, namespace, dimensions = record["value"], record["namespace"], record["dimensions"]
    count, total, minimum, maximum = (finite(statistics[name]) for name in _STATISTICS)
    return Decoded(
        table=F.lit("metrics"),
        source=F.lit("aws.metric_stream"),
        native_id=F.lit(None),
        event_time=epoch_ms_to_time(record["timestamp"]),
        cloud_provider=F.lit("aws"),
        cloud_account_id=record["account_id"],
        cloud_region=record["region"],
        resource_id=_resource_id(record),
        resource_type=namespace,
        host_name=F.when(namespace == "AWS/EC2", dimensions["InstanceId"]),
        attributes=F.when(
            record["metric_stream_name"].isNotNull(),
            F.create_map(F.lit("metric_stream_name"), record["metric_stream_name"]),
        ),
        namespace=namespace,
        metric=record["metric_name"],
        unit=record["unit"],
        value=F.try_divide(total, count),
        minimum=minimum,
        maximum=maximum,
        total=total,
        sample_count=count,
        percentiles=_percentiles(statistics),
        dimensions=dimensions,
        content=F.when(is_infinite(statistics["sum"]) | is_infinite(statistics["count"]), "too large a number"),
        reason=F.lit(None),
    )


def _percentiles(statistics: Column) -> Column:
    """The statistics besides count, sum, min and max (`p99`, `tm90`, …) → map<string,double>; null if none came."""
    others = F.map_filter(statistics, lambda name, _: ~name.isin(*_STATISTICS))
    return F.when(F.size(statistics) > len(_STATISTICS), others)


def _resource_id(record: Column) -> Column:
    """The resource's ARN where the dimensions name one, else account, region, namespace and all dimensions."""
    account, region = F.coalesce(record["account_id"], F.lit("")), F.coalesce(record["region"], F.lit(""))
    dimensions = F.array_join(F.transform(F.sort_array(F.map_entries(record["dimensions"])), _pair), ",")
    scope = F.concat_ws(":", F.lit("aws"), account, region, record["namespace"], F.coalesce(dimensions, F.lit("")))
    arns = []
    for namespace, dimension, service, kind in _ARNS:
        name = record["dimensions"][dimension]
        arn = F.concat(F.lit(f"arn:aws:{service}:"), region, F.lit(":"), account, F.lit(f":{kind}"), name)
        arns.append(F.when(record["namespace"] == namespace, arn))
    return F.coalesce(*arns, F.when(record["namespace"].isNotNull(), scope))


def _pair(entry: Column) -> Column:
    return F.concat_ws("=", entry["key"], entry["value"])


def _tighten(loose: Column) -> dict[str, Column]:
    return {
        "timestamp": loose["timestamp"].try_cast("bigint"),
        "value": F.transform_values(loose["value"], lambda _, text: to_number(text)),
    }


def _unreadable(loose: Column) -> Column:
    texts = F.filter(F.map_values(loose["value"]), lambda text: text.isNotNull())
    return F.exists(texts, lambda text: to_number(text).isNull())


def claims(record: Column, topic: Column) -> Column:
    return text(record, "metric_name").isNotNull()


FAMILY = Family(
    "aws.metric_stream",
    "metric_name",
    "metric_name",
    f"{strings(*_TEXTS)}, timestamp: bigint, dimensions: {MAP}, value: map<string,double>",
    decode,
    claims,
    Loose(_tighten, _unreadable),
    first=first_line,
)
