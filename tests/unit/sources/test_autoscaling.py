"""Auto Scaling's own notifications, without an envelope."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.unit.sources.conftest import Decode, Found

GROUP = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:9:autoScalingGroupName/web"
HOOK = {
    "LifecycleHookName": "drain", "AccountId": "111122223333", "RequestId": "r-1", "AutoScalingGroupName": "web",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING", "Service": "AWS Auto Scaling",
    "Time": "2026-03-02T10:15:30.872Z", "EC2InstanceId": "i-0a1", "LifecycleActionToken": "t",
}  # fmt: skip
LAUNCH = {
    "Service": "AWS Auto Scaling", "Time": "2026-03-02T10:15:30Z", "Event": "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "AutoScalingGroupARN": GROUP, "AutoScalingGroupName": "web", "ActivityId": "a-1", "EC2InstanceId": "",
    "Description": "Launching failed", "StatusCode": "Failed", "Details": {"Availability Zone": "eu-west-1b"},
}  # fmt: skip
VALUES: dict[str, Any] = {
    "hook": HOOK,
    "launch": LAUNCH,
    "zone": {**LAUNCH, "AutoScalingGroupARN": None},
    "test": {**LAUNCH, "Event": "autoscaling:TEST_NOTIFICATION"},
    "hook test": {**HOOK, "LifecycleTransition": "autoscaling:TEST_NOTIFICATION"},
    "small test": {"Event": "autoscaling:TEST_NOTIFICATION", "AutoScalingGroupName": "web"},
    "bad": [{**HOOK, "Time": "then"}, {**HOOK, "LifecycleTransition": ""}, {**HOOK, "RequestId": "r-2"}],
}


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_a_lifecycle_hook_is_a_scaling_event(found: dict[str, list[Found]]) -> None:
    [event] = found["hook"]

    assert (event.table, event.source, event.native_id) == ("events", "aws.autoscaling", "r-1")
    assert event.event_time == datetime(2026, 3, 2, 10, 15, 30, 872000)
    assert (event.category, event.action, event.actor, event.outcome) == (
        "scaling", "autoscaling:EC2_INSTANCE_TERMINATING", "AWS Auto Scaling", None,
    )  # fmt: skip
    assert (event.resource_id, event.host_name, event.cloud_account_id) == (
        "aws:111122223333::aws.autoscaling:web", "i-0a1", "111122223333",
    )  # fmt: skip
    assert event.attributes == {
        "LifecycleHookName": "drain", "RequestId": "r-1", "AutoScalingGroupName": "web", "EC2InstanceId": "i-0a1",
        "LifecycleActionToken": "t",
    }  # fmt: skip


def test_a_failed_launch(found: dict[str, list[Found]]) -> None:
    [event] = found["launch"]

    assert (event.outcome, event.row["reason"], event.message) == ("failure", "Failed", "Launching failed")
    assert (event.resource_id, event.cloud_region, event.cloud_account_id) == (GROUP, "eu-west-1", "111122223333")
    assert event.host_name is None


@pytest.mark.parametrize("name", ["test", "hook test", "small test"])
def test_tests_are_ignored(found: dict[str, list[Found]], name: str) -> None:
    assert [(one.table, one.reason) for one in found[name]] == [("ignored", "test_notification")]


def test_one_bad_notification_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["bad"]] == ["bad_time", "no_action", None]


def test_a_group_without_its_arn_is_placed_by_its_zone(found: dict[str, list[Found]]) -> None:
    assert [event.cloud_region for event in found["zone"]] == ["eu-west-1"]
