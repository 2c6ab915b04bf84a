"""Amazon EventBridge: what happened in an AWS service, or in an application that tells so, in one envelope for all.

https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
What `detail` tells is read in `eventbridge_details`; CloudTrail's records in it are taken by `cloudtrail`.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws import eventbridge_details as details
from pipelines.sources.aws.resource_ids import account_of_arn, instance_arn, only_arn, region_of_arn, unnamed
from pipelines.sources.reading.variant import elements, member, members, merged, parse_whole, rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

# Applications write other names than events arrive with (`PutEvents`), and `Detail` as text.
_NAMES = {
    "DetailType": "detail-type", "detailType": "detail-type", "detail_type": "detail-type", "Detail": "detail",
    "Source": "source", "Time": "time", "Resources": "resources", "Account": "account", "Region": "region", "Id": "id",
}  # fmt: skip
_USED = ("detail-type", "time", "id", "detail", "account", "region")


def claims(record: Column, topic: Column) -> Column:
    kind = word(record, "detail-type", "DetailType", "detailType", "detail_type")
    return kind.isNotNull() & member(record, "source", "detail", "Source", "Detail").isNotNull()


def as_arrived(record: Column) -> Column:
    """The event as EventBridge delivers it, as the only one of an array: what columns are read of is computed once."""
    is_object = members(record, "detail").isNotNull()
    known = F.create_map(*(F.lit(name) for pair in _NAMES.items() for name in pair))
    everything = F.try_variant_get(record, "$", "map<string,variant>")
    renamed = F.transform_keys(everything, lambda name, _: F.coalesce(known[name], name))
    parsed = F.transform_values(renamed, lambda name, value: F.when(name == "detail", _parsed(value)).otherwise(value))
    return F.array(F.when(is_object, record).otherwise(F.to_variant_object(parsed)))


def decode(record: Column, part: Column, topic: Column) -> Event:
    kind, source, detail = word(part, "detail-type"), word(part, "source"), member(part, "detail")
    listed = F.try_variant_get(F.get(elements(part, "resources"), 0), "$", "string")
    first = F.coalesce(only_arn(listed), only_arn(word(part, "resources")))
    account = F.coalesce(word(part, "account"), account_of_arn(first))
    region = F.coalesce(word(part, "region"), region_of_arn(first))
    instance = details.instance(detail)
    own_arn = instance_arn(region, account, instance)
    return Event(
        source=F.lit("aws.eventbridge"),
        native_id=word(part, "id"),
        event_time=time(part, "time"),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=region,
        resource_id=F.coalesce(
            # Some events give an instance's ARN without the account, and with the zone in place of the region.
            F.when(source == "aws.ec2", own_arn),
            first,
            own_arn,
            details.resource_arn(detail),
            unnamed(account, region, source, details.resource_name(detail)),
        ),
        resource_type=F.coalesce(
            details.resource_type(detail), F.when((source == "aws.ec2") & instance.isNotNull(), "AWS::EC2::Instance")
        ),
        host_name=instance,
        category=details.category(kind, source),
        action=kind,
        actor=F.coalesce(details.actor(detail), source),
        outcome=details.outcome(kind, detail),
        reason=details.reason(detail),
        message=F.coalesce(details.message(detail), F.concat_ws(": ", kind, details.state(detail))),
        severity_text=details.severity(detail),
        source_address=word(detail, "source-ip-address", "sourceIPAddress"),
        attributes=merged(rest(part, *_USED), _in_detail(detail)),
        ignored=details.why_ignored(detail),
    )


def _parsed(detail: Column) -> Column:
    """What is written as text, if that text is JSON."""
    return F.coalesce(parse_whole(F.try_variant_get(detail, "$", "string")), detail)


def _in_detail(detail: Column) -> Column:
    """Its members, named so that they are not mistaken for those of the envelope; as one if it is no object."""
    named = F.transform_keys(rest(detail), lambda name, _: F.concat(F.lit("detail."), name))
    whole = F.try_variant_get(detail, "$", "string")
    return F.when(members(detail).isNotNull(), named).when(whole.isNotNull(), F.create_map(F.lit("detail"), whole))


FAMILIES = (RecordFamily("aws.eventbridge", claims, Event, decode, parts=as_arrived),)
