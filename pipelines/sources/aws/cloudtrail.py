"""CloudTrail: who called which API of AWS. One record alone, of a log file, or in EventBridge's envelope.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.cloudtrail_resources import instance, resource_id, resource_type
from pipelines.sources.reading.variant import member, merged, rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

# `sourceIPAddress` stays as it is written: it is a service's name where a service called.
_USED = (
    "eventID", "eventTime", "eventName", "errorCode", "errorMessage", "sourceIPAddress", "awsRegion",
    "recipientAccountId",
)  # fmt: skip
# Members of `responseElements` and `serviceEventDetails` that say how it ended, where there is no error code.
_ENDINGS = (
    "responseElements.ConsoleLogin", "responseElements.CheckMfa", "responseElements.SwitchRole",
    "responseElements.ExitRole", "responseElements.PasswordUpdated", "responseElements.PasswordRecoveryRequested",
    "responseElements.PasswordRecoveryCompleted", "serviceEventDetails.UserAuthentication",
    "serviceEventDetails.CredentialVerification", "serviceEventDetails.createAccountStatus.state",
)  # fmt: skip


def is_record(trail: Column) -> Column:
    """Notifications of S3 and batches for functions look alike, but come of an `aws:s3`, `aws:kinesis` …"""
    of_an_api = F.coalesce(~F.startswith(word(trail, "eventSource"), F.lit("aws:")), F.lit(0) == 0)
    named = word(trail, "eventName").isNotNull() & word(trail, "eventSource").isNotNull()
    typed = word(trail, "eventType").isNotNull() & word(trail, "eventVersion", "eventID").isNotNull()
    caller = member(trail, "userIdentity", "eventVersion", "eventID", "awsRegion").isNotNull()
    is_insight = member(trail, "insightDetails.insightType").isNotNull()
    return of_an_api & ((named & caller) | (typed & member(trail, "userIdentity").isNotNull()) | is_insight)


def claims(record: Column, topic: Column) -> Column:
    return is_record(trail_of(record))


def trail_of(record: Column) -> Column:
    """The record itself, which EventBridge has in `detail`."""
    in_detail = F.when(word(record, "detail-type").isNotNull(), member(record, "detail"))
    return F.coalesce(in_detail, record)


def is_digest(record: Column, topic: Column) -> Column:
    """The hourly list of log files with their hashes: about the trail, not about what happened."""
    return member(record, "digestS3Object").isNotNull() | member(record, "digestStartTime").isNotNull()


def decode(record: Column, part: Column, topic: Column) -> Event:
    trail = trail_of(record)
    is_wrapped = word(record, "detail-type").isNotNull()
    region = word(trail, "awsRegion")
    account = word(trail, "recipientAccountId", "userIdentity.accountId")
    account = F.coalesce(account, F.when(is_wrapped, word(record, "account")))
    code = word(trail, "errorCode")
    return Event(
        source=F.lit("aws.cloudtrail"),
        native_id=word(trail, "eventID"),
        event_time=F.coalesce(time(trail, "eventTime"), F.when(is_wrapped, time(record, "time"))),
        cloud_provider=F.lit("aws"),
        cloud_account_id=account,
        cloud_region=F.coalesce(region, F.when(is_wrapped, word(record, "region"))),
        resource_id=resource_id(trail, region, account),
        resource_type=resource_type(trail),
        host_name=instance(trail),
        category=F.lit("audit"),
        action=F.coalesce(word(trail, "insightDetails.insightType"), word(trail, "eventName")),
        actor=_actor(trail),
        outcome=_outcome(trail),
        reason=F.coalesce(code, word(trail, "errorMessage")),
        message=F.coalesce(word(trail, "errorMessage"), _insight(trail)),
        source_address=word(trail, "sourceIPAddress"),
        attributes=merged(_envelope(record, is_wrapped), rest(trail, *_USED)),
    )


def decode_digest(record: Column, part: Column, topic: Column) -> Event:
    return Event(
        source=F.lit("aws.cloudtrail"),
        event_time=time(record, "digestEndTime"),
        category=F.lit("audit"),
        action=F.lit("digest"),
        ignored=F.lit("digest_file"),
    )


def _actor(trail: Column) -> Column:
    """What names the caller best, of all kinds: root, users, roles, federated and web identities, services."""
    who = ("arn", "userName", "invokedBy", "principalId", "onBehalfOf.userId", "userId", "credentialId", "accountId")
    # Answers of CloudTrail Lake have structs as text: `{type=Root, principalid=1, arn=arn:aws:iam::1:root, …}`.
    of_lake = F.regexp_extract(word(trail, "userIdentity"), r"^\{type=[^{]*?, arn=([^,}]+)", 1)
    named = (word(trail, f"userIdentity.{name}") for name in who)
    return F.coalesce(*named, word(trail, "userIdentity.type"), F.nullif(of_lake, F.lit("")))


def _outcome(trail: Column) -> Column:
    code = word(trail, "errorCode")
    # Managed Grafana has the HTTP status there of what went well, too.
    is_error = code.isNotNull() & ~F.rlike(code, F.lit(r"^[23]\d\d$"))
    failed = is_error | word(trail, "errorMessage").isNotNull()
    ended = F.lower(word(trail, *_ENDINGS))
    is_insight = member(trail, "insightDetails").isNotNull()
    return F.when(failed | ended.isin("failure", "failed"), "failure").when(~is_insight, "success")


def _insight(trail: Column) -> Column:
    """`Start of ApiCallRateInsight: UpdateInstanceInformation of ssm.amazonaws.com`."""
    names = ("state", "insightType", "eventName", "eventSource")
    state, kind, call, service = (word(trail, f"insightDetails.{name}") for name in names)
    return F.concat(state, F.lit(" of "), kind, F.lit(": "), call, F.lit(" of "), service)


def _envelope(record: Column, is_wrapped: Column) -> Column:
    """EventBridge's members under names of their own: both have `resources`."""
    members = rest(record, "detail", "account", "region", "time")
    named = F.transform_keys(members, lambda name, _: F.concat(F.lit("eventbridge."), name))
    return F.when(is_wrapped, named)


FAMILIES = (
    RecordFamily("aws.cloudtrail_digest", is_digest, Event, decode_digest),
    RecordFamily("aws.cloudtrail", claims, Event, decode),
)
