"""CloudWatch Metric Streams, JSON output format: one object a metric and minute, a line each, many in one Kafka value.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import MAP, Decoded, Family, strings
from pipelines.sources.values import epoch_ms_to_time, to_number

_TEXTS = ("metric_stream_name", "account_id", "region", "namespace", "metric_name", "timestamp", "unit")
_SCHEMA = f"struct<{strings(*_TEXTS)}, dimensions: {MAP}, value: {MAP}>"
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
    texts, namespace, dimensions = record["value"], record["namespace"], record["dimensions"]
    count, total, minimum, maximum = (to_number(texts[name]) for name in ("count", "sum", "min", "max"))
    unreadable = (
        (texts["count"].isNotNull() & count.isNull())
        | (texts["sum"].isNotNull() & total.isNull())
        | (texts["min"].isNotNull() & minimum.isNull())
        | (texts["max"].isNotNull() & maximum.isNull())
    )
    average = F.try_divide(total, count)
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
        value=average,
        minimum=minimum,
        maximum=maximum,
        total=total,
        sample_count=count,
        percentiles=_percentiles(texts),
        dimensions=dimensions,
        content=texts.cast("string"),
        reason=F.when(F.coalesce(F.size(texts) == 0, F.expr("true")), "no_value")
        .when(unreadable, "bad_value")
        .when(average.isNull(), "no_value"),
    )


def _percentiles(texts: Column) -> Column:
    """The statistics besides count, sum, min and max (`p99`, `tm90`, …) → map<string,double>; null if none came."""
    others = F.map_filter(texts, lambda name, _: ~name.isin(*_STATISTICS))
    return F.when(F.size(texts) > len(_STATISTICS), F.transform_values(others, lambda _, text: to_number(text)))


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


FAMILY = Family("aws.metric_stream", "metric_name", _SCHEMA, decode)
