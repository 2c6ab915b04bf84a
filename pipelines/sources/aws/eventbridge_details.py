"""What the `detail` of EventBridge's events tells, of whatever service: each service has its own members for the same.

https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import only_arn
from pipelines.sources.reading.variant import elements, member, word

TEST = "autoscaling:TEST_NOTIFICATION"
_CATEGORIES = {
    "scaling": ("aws.autoscaling", "aws.application-autoscaling"),
    "health": ("aws.health",),
    "security": (
        "aws.guardduty", "aws.securityhub", "aws.inspector", "aws.inspector2", "aws.macie", "aws.macie2",
        "aws.access-analyzer", "aws.detective", "aws.signin",
    ),
    "policy": ("aws.config", "aws.trustedadvisor"),
    "alert": ("aws.cloudwatch",),
    "storage": ("aws.s3",),
}  # fmt: skip
_INSTANCE = ("instance-id", "EC2InstanceId", "ec2InstanceId", "resource.instanceDetails.instanceId", "instance_id")
_ARN = (
    "resource-arn", "resourceArn", "ResourceArn", "resourceARN", "AutoScalingGroupARN", "SourceArn", "alarmArn",
    "configurationItem.ARN", "taskArn", "clusterArn", "functionArn", "stateMachineArn", "arn", "ARN", "eventArn",
    "configRuleARN", "resource_id",
)  # fmt: skip
_NAME = (
    "AutoScalingGroupName", "resourceId", "SourceIdentifier", "bucket.name", "alarmName", "pipeline", "project-name",
    "repository-name", "repositoryName", "clusterName", "clusterId", "jobName", "name",
)  # fmt: skip
# `state` is an object in alarms, which its path is asked for first.
_STATE = (
    "state.value", "state", "State", "newEvaluationResult.complianceType", "lastStatus", "build-status", "status",
    "Status", "scan-status", "result", "StatusCode", "statusCode", "instance-action", "completed-phase-status",
)  # fmt: skip
_REASON = (
    "eventTypeCode", "errorCode", "error-code", "stopCode", "failureReason", "reason", "EventID", "StatusCode",
    "instance-action", "LifecycleTransition", "code", "type",
)  # fmt: skip
_MESSAGE = (
    "message", "Message", "Description", "state.reason", "title", "description", "stoppedReason", "StatusMessage",
    "errorMessage", "cause", "Cause",
)  # fmt: skip
_FAILURES = (
    "failed", "failure", "fault", "error", "errored", "timed_out", "timeout", "aborted", "unsuccessful",
    "terminated_with_errors", "non_compliant",
)  # fmt: skip
_SUCCESSES = ("succeeded", "success", "successful", "completed", "complete", "compliant", "passed")


def category(kind: Column, source: Column) -> Column:
    """By what it is about; else by its words, which services of their own choose freely."""
    words = F.lower(kind)
    chosen = F.when(_has_any(words, ("interruption", "rebalance")), "interruption")
    for name, sources in _CATEGORIES.items():
        chosen = chosen.when(source.isin(*sources), name)
    changes = ("state change", "state-change", "status change", "status-change")
    return (
        chosen.when(_has_any(words, changes), "state_change")
        .when(words == "scheduled event", "schedule")
        .otherwise("notification")
    )


def outcome(kind: Column, detail: Column) -> Column:
    words, ended = F.lower(kind), F.lower(F.replace(state(detail), F.lit(" "), F.lit("_")))
    return (
        F.when(_has_any(words, ("unsuccessful", "failed", "failure")) | ended.isin(*_FAILURES), "failure")
        .when(_has_any(words, ("successful", "succeeded")) | ended.isin(*_SUCCESSES), "success")
        .otherwise(F.lit(None).cast("string"))
    )


def state(detail: Column) -> Column:
    return word(detail, *_STATE)


def instance(detail: Column) -> Column:
    """The EC2 instance it is about; scaling groups tell of a failed launch with an empty one."""
    named = word(detail, *_INSTANCE)
    return F.when(F.startswith(named, F.lit("i-")), named)


def resource_arn(detail: Column) -> Column:
    bucket = F.concat(F.lit("arn:aws:s3:::"), word(detail, "bucket.name"))
    found = word(F.get(elements(_first(detail, "findings"), "Resources"), 0), "Id")
    affected = word(_first(detail, "affectedEntities"), "entityValue")
    return F.coalesce(*(only_arn(word(detail, name)) for name in _ARN), only_arn(found), only_arn(affected), bucket)


def resource_name(detail: Column) -> Column:
    return word(detail, *_NAME)


def resource_type(detail: Column) -> Column:
    return word(detail, "resourceType", "resource.resourceType", "configurationItem.resourceType", "SourceType")


def actor(detail: Column) -> Column:
    initiator = word(member(detail, "additional-information"), "initiator")
    return F.coalesce(word(detail, "requester", "userIdentity.arn", "callerUserArn"), initiator)


def reason(detail: Column) -> Column:
    return word(detail, *_REASON)


def message(detail: Column) -> Column:
    described = word(_first(detail, "eventDescription"), "latestDescription")
    return F.coalesce(described, word(_first(detail, "findings"), "Title"), word(detail, *_MESSAGE))


def severity(detail: Column) -> Column:
    return F.coalesce(word(detail, "severity", "Severity"), word(_first(detail, "findings"), "Severity.Label"))


def why_ignored(detail: Column) -> Column:
    """A scaling group sends a test when a notification is set up."""
    return F.when(word(detail, "Event", "LifecycleTransition") == TEST, "test_notification")


def _first(detail: Column, name: str) -> Column:
    return F.get(elements(detail, name), 0)


def _has_any(words: Column, parts: Iterable[str]) -> Column:
    return reduce(Column.__or__, (F.contains(words, F.lit(part)) for part in parts))
