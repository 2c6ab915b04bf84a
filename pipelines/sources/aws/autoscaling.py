"""EC2 Auto Scaling's notifications as it sends them itself, to a topic or queue, without EventBridge's envelope.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-sns-notifications.html
https://docs.aws.amazon.com/autoscaling/ec2/userguide/prepare-for-lifecycle-notifications.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws import eventbridge_details as details
from pipelines.sources.aws.resource_ids import account_of_arn, region_in, region_of_arn, unnamed
from pipelines.sources.reading.variant import member, rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

_USED = ("Time", "AccountId", "Service", "Description", "LifecycleTransition", "Event")


def claims(record: Column, topic: Column) -> Column:
    named = member(record, "LifecycleTransition").isNotNull() & member(record, "AutoScalingGroupName").isNotNull()
    event = F.startswith(word(record, "Event"), F.lit("autoscaling:"))
    return named | event


def decode(record: Column, part: Column, topic: Column) -> Event:
    group = word(record, "AutoScalingGroupARN")
    account = F.coalesce(word(record, "AccountId", "AccountID"), account_of_arn(group))
    region = F.coalesce(region_of_arn(group), region_in(word(member(record, "Details"), "Availability Zone")))
    action = word(record, "LifecycleTransition", "Event")
    return Event(
        source=F.lit("aws.autoscaling"),
        native_id=word(record, "RequestId", "RequestID", "ActivityId"),
        event_time=time(record, "Time", "EndTime", "StartTime"),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=F.coalesce(
            group, unnamed(account, region, F.lit("aws.autoscaling"), word(record, "AutoScalingGroupName"))
        ),
        resource_type=F.lit("AWS::AutoScaling::AutoScalingGroup"),
        host_name=details.instance(record),
        category=F.lit("scaling"),
        action=action,
        actor=F.coalesce(word(record, "Service"), F.lit("aws.autoscaling")),
        outcome=F.when(F.endswith(action, F.lit("_ERROR")), "failure").otherwise(details.outcome(action, record)),
        reason=word(record, "StatusCode"),
        message=word(record, "Description", "StatusMessage", "Cause"),
        attributes=rest(record, *_USED),
        ignored=details.why_ignored(record),
    )


FAMILIES = (RecordFamily("aws.autoscaling", claims, Event, decode),)
