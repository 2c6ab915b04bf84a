"""EventBridge: events of all services in one envelope, and what the detail of each tells."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

INSTANCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1"
GROUP = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:9:autoScalingGroupName/web"


def event(kind: str, source: str, detail: Any, *resources: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": "0", "id": f"id of {kind}", "detail-type": kind, "source": source, "account": "111122223333",
        "time": "2026-03-02T10:15:30Z", "region": "eu-west-1", "resources": list(resources), "detail": detail,
        **changes,
    }  # fmt: skip


def state_change(instance: str = "i-0a1", state: str = "stopped", **changes: Any) -> dict[str, Any]:
    detail = {"instance-id": instance, "state": state}
    return event("EC2 Instance State-change Notification", "aws.ec2", detail, **changes)


LAUNCH = {
    "Description": "Launching a new EC2 instance: i-0a1", "AutoScalingGroupName": "web", "EC2InstanceId": "i-0a1",
    "Details": {"Availability Zone": "eu-west-1b", "Subnet ID": "s"}, "StatusCode": "InProgress", "StatusMessage": "",
}  # fmt: skip
FAILED = {**LAUNCH, "EC2InstanceId": "", "StatusCode": "Failed", "Description": "Launching failed"}
HEALTH = {
    "eventArn": "arn:aws:health:eu-west-1::event/RDS/X/1", "service": "RDS", "eventTypeCode": "AWS_RDS_MAINTENANCE",
    "eventTypeCategory": "scheduledChange", "affectedEntities": [{"entityValue": "db-1"}],
    "eventDescription": [{"language": "en_US", "latestDescription": "Maintenance is due"}],
}  # fmt: skip
FINDING = {
    "schemaVersion": "2.0", "type": "UnauthorizedAccess:EC2/SSHBruteForce", "severity": 8, "title": "SSH brute force",
    "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0a1"}}, "id": "f-1",
}  # fmt: skip
ALARM_ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu"
ALARM = {"alarmName": "cpu", "state": {"value": "ALARM", "reason": "over 90"}, "previousState": {"value": "OK"}}
RULE = {
    "resourceId": "i-0a1", "resourceType": "AWS::EC2::Instance", "configRuleName": "tags",
    "newEvaluationResult": {"complianceType": "NON_COMPLIANT"},
}  # fmt: skip
OBJECT = {
    "version": "0", "bucket": {"name": "b"}, "object": {"key": "k", "size": 5}, "requester": "111122223333",
    "source-ip-address": "192.0.2.7", "reason": "PutObject",
}  # fmt: skip
DATABASE = {"SourceArn": "arn:aws:rds:eu-west-1:1:db:d", "Message": "DB up", "EventID": "RDS-EVENT-0088"}
TEST = {"Event": "autoscaling:TEST_NOTIFICATION", "LifecycleTransition": "autoscaling:TEST_NOTIFICATION"}
HUB = {"findings": [{"Title": "Open port", "Severity": {"Label": "HIGH"}, "Resources": [{"Id": INSTANCE}]}]}
VALUES: dict[str, Any] = {
    "state": state_change(),
    "spot": event(
        "EC2 Spot Instance Interruption Warning", "aws.ec2", {"instance-id": "i-0a1", "instance-action": "stop"},
        "arn:aws:ec2:eu-west-1b:instance/i-0a1",
    ),
    "underscore": event("EC2 Instance State-change Notification", "aws.ec2", {"instance_id": "i-0a1"}),
    "rebalance": event("EC2 Instance Rebalance Recommendation", "aws.ec2", {"instance-id": "i-0a1"}),
    "china": state_change(region="cn-north-1"),
    "launch": event("EC2 Instance Launch Successful", "aws.autoscaling", LAUNCH, GROUP, INSTANCE),
    "no launch": event("EC2 Instance Launch Unsuccessful", "aws.autoscaling", FAILED, GROUP),
    "health": event("AWS Health Event", "aws.health", HEALTH),
    "finding": event("GuardDuty Finding", "aws.guardduty", FINDING),
    "hub": event("Security Hub Findings - Imported", "aws.securityhub", HUB),
    "alarm": event("CloudWatch Alarm State Change", "aws.cloudwatch", ALARM, ALARM_ARN),
    "rule": event("Config Rules Compliance Change", "aws.config", RULE),
    "object": event("Object Created", "aws.s3", OBJECT, "arn:aws:s3:::b"),
    "pipeline": event("CodePipeline Stage State Change", "aws.codepipeline", {"pipeline": "p", "state": "FAILED"}),
    "database": event("RDS DB Instance Event", "aws.rds", DATABASE),
    "own": event("Order placed", "shop.orders", {"order": 7, "name": "first"}),
    "schedule": event("Scheduled Event", "aws.events", {}, "arn:aws:events:eu-west-1:1:rule/r"),
    "put": {"Source": "shop.orders", "DetailType": "Order", "Detail": '{"order": 7}', "Time": "2026-03-02T10:15:30Z"},
    "no object": event("Order placed", "shop.orders", "by phone"),
    "without time": {name: value for name, value in state_change().items() if name != "time"},
    "test": event("EC2 Instance-terminate Lifecycle Action", "aws.autoscaling", TEST, GROUP),
    "bad": [state_change(time="then"), state_change(time=""), state_change("i-0b2"), state_change(time=5)],
    "anonymous": {"detail-type": "T", "detail": {"name": "n"}, "time": "2026-03-02T10:15:30Z"},
    "queue": {"messageId": "m", "receiptHandle": "h", "body": json.dumps(state_change("i-0c3"))},
    "queued topic": {
        "Records": [{
            "messageId": "m",
            "body": json.dumps({"Type": "Notification", "TopicArn": "t", "Message": json.dumps(state_change("i-0d4"))}),
        }]
    },
    "topic": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(state_change("i-0e5"))}}]},
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_an_event_about_an_instance(found: dict[str, list[Found]]) -> None:
    [one] = found["state"]

    assert (one.table, one.source, one.native_id) == (
        "events", "aws.eventbridge", "id of EC2 Instance State-change Notification",
    )  # fmt: skip
    assert one.event_time == datetime(2026, 3, 2, 10, 15, 30)
    assert (one.category, one.action, one.actor, one.outcome) == (
        "state_change", "EC2 Instance State-change Notification", "aws.ec2", None,
    )  # fmt: skip
    assert one.message == "EC2 Instance State-change Notification: stopped"
    assert (one.resource_id, one.resource_type, one.host_name) == (INSTANCE, "AWS::EC2::Instance", "i-0a1")
    assert (one.cloud_provider, one.cloud_account_id, one.cloud_region) == ("aws", "111122223333", "eu-west-1")
    assert one.attributes == {
        "version": "0", "source": "aws.ec2", "resources": "[]", "detail.instance-id": "i-0a1",
        "detail.state": "stopped",
    }  # fmt: skip


def test_an_instance_is_found_by_the_name_that_a_replay_may_have(found: dict[str, list[Found]]) -> None:
    [one] = found["underscore"]

    assert (one.resource_id, one.host_name) == (INSTANCE, "i-0a1")


def test_interruptions_name_the_instance_as_metrics_do(found: dict[str, list[Found]]) -> None:
    events = [*found["spot"], *found["rebalance"]]
    assert [(one.category, one.resource_id, one.row["reason"]) for one in events] == [
        ("interruption", INSTANCE, "stop"), ("interruption", INSTANCE, None),
    ]  # fmt: skip
    assert found["china"][0].resource_id == "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0a1"


def test_scaling(found: dict[str, list[Found]]) -> None:
    columns = ("category", "outcome", "resource_id", "host_name", "reason", "message")
    assert [tuple(one.row[name] for name in columns) for name in ("launch", "no launch") for one in found[name]] == [
        ("scaling", "success", GROUP, "i-0a1", "InProgress", "Launching a new EC2 instance: i-0a1"),
        ("scaling", "failure", GROUP, None, "Failed", "Launching failed"),
    ]
    assert found["launch"][0].attributes["detail.Details"] == '{"Availability Zone":"eu-west-1b","Subnet ID":"s"}'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("health", ("health", None, "AWS_RDS_MAINTENANCE", "Maintenance is due", HEALTH["eventArn"])),
        ("finding", ("security", None, "UnauthorizedAccess:EC2/SSHBruteForce", "SSH brute force", INSTANCE)),
        ("hub", ("security", None, None, "Open port", INSTANCE)),
        ("alarm", ("alert", None, None, "over 90", ALARM_ARN)),
        ("rule", ("policy", "failure", None, "Config Rules Compliance Change: NON_COMPLIANT",
                  "aws:111122223333:eu-west-1:aws.config:i-0a1")),
        ("object", ("storage", None, "PutObject", "Object Created", "arn:aws:s3:::b")),
        ("pipeline", ("state_change", "failure", None, "CodePipeline Stage State Change: FAILED",
                      "aws:111122223333:eu-west-1:aws.codepipeline:p")),
        ("database", ("notification", None, "RDS-EVENT-0088", "DB up", "arn:aws:rds:eu-west-1:1:db:d")),
        ("own", ("notification", None, None, "Order placed", "aws:111122223333:eu-west-1:shop.orders:first")),
        ("schedule", ("schedule", None, None, "Scheduled Event", "arn:aws:events:eu-west-1:1:rule/r")),
        ("put", ("notification", None, None, "Order", "aws:::shop.orders")),
        ("anonymous", ("notification", None, None, "T", "aws:::n")),
    ],
)  # fmt: skip
def test_services_tell_it_in_their_own_members(found: dict[str, list[Found]], name: str, expected: tuple[Any]) -> None:
    [one] = found[name]

    assert (one.category, one.outcome, one.row["reason"], one.message, one.resource_id) == expected


def test_who_and_how_grave(found: dict[str, list[Found]]) -> None:
    assert (found["object"][0].actor, found["object"][0].source_address) == ("111122223333", "192.0.2.7")
    assert [found[name][0].severity_text for name in ("finding", "hub")] == ["8", "HIGH"]


def test_a_detail_that_is_text(found: dict[str, list[Found]]) -> None:
    assert found["put"][0].attributes == {"source": "shop.orders", "detail.order": "7"}
    assert found["no object"][0].attributes["detail"] == "by phone"


def test_within_queues_and_topics(found: dict[str, list[Found]]) -> None:
    assert [found[name][0].host_name for name in ("queue", "queued topic", "topic")] == ["i-0c3", "i-0d4", "i-0e5"]


def test_tests_are_ignored(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["test"]] == [("ignored", "test_notification")]


def test_one_bad_event_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["bad"]] == ["bad_time", "bad_time", None, "bad_time"]
    assert [one.reason for one in found["without time"]] == ["bad_time"]


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(st.tuples(words, st.dictionaries(words, words, max_size=3)), min_size=30, max_size=60))
def test_any_event_keeps_all_of_its_detail(decode: Decode, events: list[tuple[str, dict[str, str]]]) -> None:
    [rows] = decode([event(kind, "own.app", detail, id=str(n)) for n, (kind, detail) in enumerate(events)])

    for row, (kind, detail) in zip(rows, events, strict=True):
        assert row.action == kind
        assert {name[7:]: value for name, value in row.attributes.items() if name.startswith("detail.")} == detail
