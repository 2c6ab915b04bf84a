"""What AWS services send to a topic or queue besides EventBridge: objects of S3, alarms, databases, and housekeeping.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import account_of_arn, region_of_arn, unnamed
from pipelines.sources.reading.variant import member, rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

_BUCKET = "arn:aws:s3:::"
# Of an alarm as a topic gets it, and as a function is handed it: there it is in `alarmData`.
_ALARM = ("AlarmArn", "StateChangeTime", "AWSAccountId", "NewStateReason", "alarmArn", "accountId", "time", "region")


def is_object_event(record: Column, topic: Column) -> Column:
    return F.startswith(word(record, "eventSource"), F.lit("aws:s3")) & member(record, "s3").isNotNull()


def decode_object_event(record: Column, part: Column, topic: Column) -> Event:
    region, bucket = word(record, "awsRegion"), word(record, "s3.bucket.name")
    return Event(
        source=F.lit("aws.s3"),
        native_id=word(member(record, "responseElements"), "x-amz-request-id"),
        event_time=time(record, "eventTime"),
        cloud_provider=F.lit("aws"),
        cloud_region=region,
        resource_id=F.coalesce(word(record, "s3.bucket.arn"), F.concat(F.lit(_BUCKET), bucket)),
        resource_type=F.lit("AWS::S3::Bucket"),
        category=F.lit("storage"),
        action=word(record, "eventName"),
        actor=word(record, "userIdentity.principalId"),
        message=F.concat_ws(" ", word(record, "eventName"), word(record, "s3.object.key")),
        source_address=word(record, "requestParameters.sourceIPAddress"),
        attributes=rest(record, "eventTime", "awsRegion", "eventName"),
    )


def is_alarm(record: Column, topic: Column) -> Column:
    to_topic = member(record, "AlarmName").isNotNull() & member(record, "NewStateValue").isNotNull()
    to_function = member(record, "alarmData").isNotNull() & member(record, "alarmArn").isNotNull()
    return to_topic | to_function


def decode_alarm(record: Column, part: Column, topic: Column) -> Event:
    """The region that a topic is told is a name for people (`EU - Ireland`), so the ARN's is taken."""
    name, alarm = word(record, "AlarmName", "alarmData.alarmName"), word(record, "AlarmArn", "alarmArn")
    region = F.coalesce(region_of_arn(alarm), word(record, "region"))
    account = F.coalesce(word(record, "AWSAccountId", "accountId"), account_of_arn(alarm))
    state = word(record, "NewStateValue", "alarmData.state.value")
    return Event(
        source=F.lit("aws.cloudwatch_alarm"),
        event_time=time(record, "StateChangeTime", "time", "alarmData.state.timestamp"),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=F.coalesce(alarm, unnamed(account, region, F.concat(F.lit("alarm:"), name))),
        resource_type=F.lit("AWS::CloudWatch::Alarm"),
        category=F.lit("alert"),
        action=F.lit("CloudWatch Alarm State Change"),
        actor=F.lit("aws.cloudwatch"),
        reason=state,
        message=word(record, "NewStateReason", "alarmData.state.reason"),
        attributes=rest(record, *_ALARM),
    )


def is_database_event(record: Column, topic: Column) -> Column:
    return member(record, "Event Source").isNotNull() & member(record, "Event Message", "Event ID").isNotNull()


def decode_database_event(record: Column, part: Column, topic: Column) -> Event:
    """What RDS tells a topic by itself. Only later events have an ARN; the others name the region in a link."""
    arn, kind, number = word(record, "Source ARN"), word(record, "Event Source"), word(record, "Event ID")
    link = F.regexp_extract(word(record, "Identifier Link"), r"[?&]region=([a-z0-9-]+)", 1)
    account, region = account_of_arn(arn), F.coalesce(region_of_arn(arn), F.nullif(link, F.lit("")))
    short = F.nullif(F.regexp_extract(number, r"(RDS-EVENT-\d+)", 1), F.lit(""))
    return Event(
        source=F.lit("aws.rds"),
        event_time=time(record, "Event Time"),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=F.coalesce(arn, unnamed(account, region, kind, word(record, "Source ID"))),
        resource_type=kind,
        category=F.lit("notification"),
        action=F.lit("RDS Event"),
        actor=F.lit("aws.rds"),
        reason=F.coalesce(short, number),
        message=word(record, "Event Message"),
        attributes=rest(record, "Event Time", "Event Source", "Event Message"),
    )


def is_housekeeping(record: Column, topic: Column) -> Column:
    return _housekeeping(record).isNotNull()


def decode_housekeeping(record: Column, part: Column, topic: Column) -> Event:
    return Event(
        source=F.lit("aws.notification"),
        event_time=time(record, "Time", "Timestamp"),
        category=F.lit("notification"),
        action=word(record, "Event", "Type"),
        ignored=_housekeeping(record),
    )


def _housekeeping(record: Column) -> Column:
    """A bucket sends a test when a notification is set up, a topic asks whether a subscription is wanted."""
    confirms = word(record, "Type").isin("SubscriptionConfirmation", "UnsubscribeConfirmation")
    return (
        F.when(word(record, "Event") == "s3:TestEvent", "test_notification")
        .when(confirms & member(record, "TopicArn").isNotNull(), "control_message")
        .otherwise(F.lit(None).cast("string"))
    )


FAMILIES = (
    RecordFamily("aws.notification", is_housekeeping, Event, decode_housekeeping),
    RecordFamily("aws.s3", is_object_event, Event, decode_object_event),
    RecordFamily("aws.cloudwatch_alarm", is_alarm, Event, decode_alarm),
    RecordFamily("aws.rds", is_database_event, Event, decode_database_event),
)
