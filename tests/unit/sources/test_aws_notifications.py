"""Notifications of S3 and of alarms, and the housekeeping of topics and buckets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.unit.sources.conftest import Decode, Found

ALARM_ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu"
OBJECT = {
    "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-03-02T10:15:30.123Z",
    "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:A"},
    "requestParameters": {"sourceIPAddress": "192.0.2.7"},
    "responseElements": {"x-amz-request-id": "R1", "x-amz-id-2": "x"},
    "s3": {"bucket": {"name": "b", "arn": "arn:aws:s3:::b"}, "object": {"key": "dir/k", "size": 5}},
}  # fmt: skip
ALARM = {
    "AlarmName": "cpu", "AlarmDescription": None, "AWSAccountId": "111122223333", "NewStateValue": "ALARM",
    "NewStateReason": "over 90", "StateChangeTime": "2026-03-02T10:15:30.123+0000", "Region": "EU (Ireland)",
    "AlarmArn": ALARM_ARN, "OldStateValue": "OK", "Trigger": {"MetricName": "CPUUtilization"},
}  # fmt: skip
VALUES: dict[str, Any] = {
    "object": {"Records": [OBJECT, {**OBJECT, "eventTime": None}]},
    "alarm": ALARM,
    "for a function": {
        "source": "aws.cloudwatch", "alarmArn": ALARM_ARN, "accountId": "111122223333", "region": "eu-west-1",
        "time": "2026-03-02T10:15:30.123+0000",
        "alarmData": {"alarmName": "cpu", "state": {"value": "OK", "reason": "fine"}},
    },
    "test": {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-03-02T10:15:30Z", "Bucket": "b"},
    "confirm": {"Type": "SubscriptionConfirmation", "MessageId": "m", "TopicArn": "t", "Message": "You have chosen"},
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_an_object_of_a_bucket(found: dict[str, list[Found]]) -> None:
    event, bad = found["object"]

    assert (event.table, event.source, event.native_id) == ("events", "aws.s3", "R1")
    assert (event.category, event.action, event.actor, event.source_address) == (
        "storage", "ObjectCreated:Put", "AWS:A", "192.0.2.7",
    )  # fmt: skip
    assert (event.resource_id, event.message) == ("arn:aws:s3:::b", "ObjectCreated:Put dir/k")
    assert event.attributes.keys() == {
        "eventVersion", "eventSource", "userIdentity", "requestParameters", "responseElements", "s3",
    }  # fmt: skip
    assert bad.reason == "bad_time"


def test_an_alarm_as_a_topic_and_as_a_function_get_it(found: dict[str, list[Found]]) -> None:
    for name, state, why in (("alarm", "ALARM", "over 90"), ("for a function", "OK", "fine")):
        [event] = found[name]
        assert (event.category, event.action, event.row["reason"], event.message) == (
            "alert", "CloudWatch Alarm State Change", state, why,
        )  # fmt: skip
        assert (event.resource_id, event.cloud_region, event.cloud_account_id) == (
            ALARM_ARN, "eu-west-1", "111122223333",
        )  # fmt: skip
        assert event.event_time == datetime(2026, 3, 2, 10, 15, 30, 123000)
    assert found["alarm"][0].attributes == {
        "AlarmName": "cpu", "NewStateValue": "ALARM", "OldStateValue": "OK", "Region": "EU (Ireland)",
        "Trigger": '{"MetricName":"CPUUtilization"}',
    }  # fmt: skip


def test_housekeeping_is_ignored(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for name in ("test", "confirm") for one in found[name]] == [
        ("ignored", "test_notification"), ("ignored", "control_message"),
    ]  # fmt: skip
