"""CloudWatch Logs subscriptions: the log events of one stream of one log group, a row each.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
On the wire they are gzip, alone or within Kinesis, Firehose or a function's event: `packed` has opened them by then.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import arn, unnamed
from pipelines.sources.reading.values import epoch_ms_to_time
from pipelines.sources.reading.variant import (
    elements,
    integer,
    member,
    members,
    merged,
    pairs,
    rest,
    text,
    time,
    word,
)
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log

# Log streams are often named after the machine whose log they are.
_HOST = r"^(i-[0-9a-f]{8,17}|ip-[0-9-]+\.[a-z0-9.-]+\.internal)"


def is_subscription(record: Column, topic: Column) -> Column:
    of_a_stream = member(record, "logGroup", "logStream", "owner", "messageType").isNotNull()
    is_named = word(record, "messageType").isin("DATA_MESSAGE", "CONTROL_MESSAGE")
    return is_named | (member(record, "logEvents").isNotNull() & of_a_stream)


def events(record: Column) -> Column:
    """The log events, as array<variant>."""
    return elements(record, "logEvents")


def time_of(event: Column) -> Column:
    """Milliseconds, as many digits as there may be; some relays write ISO 8601."""
    return F.coalesce(time(event, "timestamp"), epoch_ms_to_time(integer(event, "timestamp")))


def decode(record: Column, part: Column, topic: Column) -> Log:
    # Written into each event where a subscription takes several accounts' or regions' log groups.
    extracted = member(part, "extractedFields")
    account = F.coalesce(word(extracted, "@aws.account"), word(record, "owner"))
    region = word(extracted, "@aws.region")
    group = F.concat(F.lit("log-group:"), word(record, "logGroup"))
    return Log(
        source=F.lit("aws.cloudwatch_logs"),
        native_id=word(part, "id"),
        event_time=time_of(part),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=F.coalesce(
            arn("logs", region, account, group),
            unnamed(account, region, group),
            unnamed(account, region, F.concat(F.lit("log-stream:"), word(record, "logStream"))),
        ),
        resource_type=F.lit("AWS::Logs::LogGroup"),
        host_name=F.nullif(F.regexp_extract(word(record, "logStream"), _HOST, 1), F.lit("")),
        logger=word(record, "logStream"),
        message=text(part, "message"),
        attributes=merged(
            rest(extracted),
            rest(part, "id", "timestamp", "message", "extractedFields"),
            rest(record, "messageType", "owner", "logStream", "logEvents"),
            pairs(messageType=F.nullif(word(record, "messageType"), F.lit("DATA_MESSAGE"))),
        ),
        unusable=F.when(members(part).isNull(), "wrong_shape"),
        ignored=why_ignored(record),
    )


def why_ignored(record: Column) -> Column:
    is_empty = F.size(events(record)) == 0
    return F.when(word(record, "messageType") == "CONTROL_MESSAGE", "control_message").when(is_empty, "empty_records")


FAMILIES = (RecordFamily("aws.cloudwatch_logs", is_subscription, Log, decode, parts=events),)
