"""CloudTrail: calls of AWS's APIs as audit events, alone, in files, in EventBridge, and what only looks like them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

USER = "arn:aws:iam::111122223333:user/ann"


def trail(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.09", "eventID": f"id-{number}", "eventTime": "2026-03-02T10:15:30Z",
        "awsRegion": "eu-west-1", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "eventType": "AwsApiCall",
        "readOnly": True, "userIdentity": {"type": "IAMUser", "arn": USER, "userName": "ann"},
        "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2", "requestParameters": None, "responseElements": None,
        "recipientAccountId": "111122223333", "eventCategory": "Management", **changes,
    }  # fmt: skip


def ec2(**changes: Any) -> dict[str, Any]:
    return trail(eventSource="ec2.amazonaws.com", eventName="StopInstances", **changes)


def in_eventbridge(detail: dict[str, Any], kind: str = "AWS API Call via CloudTrail") -> dict[str, Any]:
    return {
        "version": "0", "id": "e-1", "detail-type": kind, "source": "aws.kms", "account": "111122223333",
        "time": "2026-03-02T10:15:31Z", "region": "eu-west-1", "resources": [], "detail": detail,
    }  # fmt: skip


def by(**identity: Any) -> dict[str, Any]:
    return trail(userIdentity=identity)


ROLE = "arn:aws:sts::111122223333:assumed-role/admin/bob"
INSIGHT = {
    "eventVersion": "1.07", "eventTime": "2026-03-02T10:00:00Z", "awsRegion": "eu-west-1", "eventID": "i-1",
    "eventType": "AwsCloudTrailInsight", "recipientAccountId": "111122223333", "sharedEventID": "s-1",
    "insightDetails": {
        "state": "Start", "eventSource": "ssm.amazonaws.com", "eventName": "GetParameter",
        "insightType": "ApiCallRateInsight", "insightContext": {"statistics": {"insight": {"average": 50.1}}},
    },
    "eventCategory": "Insight",
}  # fmt: skip
NETWORK = trail(
    eventType="AwsVpceEvent", eventCategory="NetworkActivity", errorCode="VpceAccessDenied",
    errorMessage="The request was denied due to a VPC endpoint policy", vpcEndpointId="vpce-1",
    userIdentity={"type": "AWSAccount"},
)  # fmt: skip
OLD = {
    "eventVersion": "1.01", "eventTime": "2014-03-24T21:11:59Z", "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser", "awsRegion": "us-east-1", "sourceIPAddress": "127.0.0.1", "userAgent": "AWSConsole",
    "userIdentity": {"type": "Root", "principalId": "111122223333", "accountId": "111122223333"},
}  # fmt: skip
DIGEST = {
    "awsAccountId": "111122223333", "digestStartTime": "2026-03-02T10:00:00Z", "digestEndTime": "2026-03-02T11:00:00Z",
    "digestS3Bucket": "b", "digestS3Object": "AWSLogs/digest.json.gz", "newestEventTime": None, "logFiles": [],
}  # fmt: skip
KEY = {"type": "AWS::KMS::Key", "ARN": "arn:aws:kms:eu-west-1:111122223333:key/k", "accountId": "111122223333"}
LOOKALIKES = [
    {"eventVersion": "1.0", "eventSource": "aws:kinesis", "eventName": "aws:kinesis:record", "eventID": "s"},
    {"eventVersion": "1.1", "eventSource": "aws:dynamodb", "eventName": "INSERT", "awsRegion": "eu-west-1"},
]  # fmt: skip
IDENTITIES = {
    USER: by(type="IAMUser", arn=USER, userName="ann"),
    ROLE: by(type="AssumedRole", arn=ROLE, sessionContext={"sessionIssuer": {"userName": "admin"}}),
    "arn:aws:iam::111122223333:root": by(type="Root", arn="arn:aws:iam::111122223333:root"),
    "autoscaling.amazonaws.com": by(type="AWSService", invokedBy="autoscaling.amazonaws.com"),
    "accounts.google.com:1:2": by(type="WebIdentityUser", principalId="accounts.google.com:1:2"),
    "lou": by(type="FederatedUser", userName="lou", principalId="p"),
    "u-9": by(type="IdentityCenterUser", onBehalfOf={"userId": "u-9"}, accountId="111122223333"),
    "444455556666": by(type="AWSAccount", accountId="444455556666"),
    "Unknown": by(type="Unknown", userName=""),
}
VALUES: dict[str, Any] = {
    "alone": trail(),
    "file": {"Records": [trail(2), trail(3, resources=[{"type": "AWS::S3::Object"}, KEY])]},
    "failed": trail(4, errorCode="AccessDenied", errorMessage="not authorized"),
    "sign-in": trail(
        5, eventName="ConsoleLogin", responseElements={"ConsoleLogin": "Failure"}, errorMessage="Failed authentication"
    ),
    "mfa": trail(6, eventName="CheckMfa", responseElements={"CheckMfa": "Failure"}),
    "instance": ec2(requestParameters={"instancesSet": {"items": [{"instanceId": "i-1"}]}}),
    "instances": ec2(requestParameters={"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}),
    "bucket": trail(eventSource="s3.amazonaws.com", requestParameters={"bucketName": "b"}),
    "insight": INSIGHT,
    "network": NETWORK,
    "old": OLD,
    "eventbridge": in_eventbridge(trail(7)),
    "eventbridge insight": in_eventbridge(INSIGHT, "AWS Insight via CloudTrail"),
    "digest": DIGEST,
    "lookalikes": {"Records": LOOKALIKES},
    "bad": {"Records": [trail(8), trail(9, eventTime="then"), trail(10, eventName=None), trail(11, eventTime=None)]},
    "queue": {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(in_eventbridge(trail(12)))}]},
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    names = (*VALUES, *IDENTITIES)
    return dict(zip(names, decode(*VALUES.values(), *IDENTITIES.values()), strict=True))


def test_a_call_is_an_audit_event(found: dict[str, list[Found]]) -> None:
    [event] = found["alone"]

    assert (event.table, event.source, event.native_id) == ("events", "aws.cloudtrail", "id-1")
    assert event.event_time == datetime(2026, 3, 2, 10, 15, 30)
    assert (event.category, event.action, event.actor, event.outcome) == ("audit", "Decrypt", USER, "success")
    assert (event.cloud_provider, event.cloud_account_id, event.cloud_region) == ("aws", "111122223333", "eu-west-1")
    assert (event.resource_id, event.source_address) == ("aws:111122223333:eu-west-1:kms.amazonaws.com", "192.0.2.7")
    assert {**event.attributes, "userIdentity": json.loads(event.attributes["userIdentity"])["type"]} == {
        "eventVersion": "1.09", "eventSource": "kms.amazonaws.com", "eventType": "AwsApiCall", "readOnly": "true",
        "userAgent": "aws-cli/2", "eventCategory": "Management", "userIdentity": "IAMUser",
    }  # fmt: skip


def test_each_record_of_a_file(found: dict[str, list[Found]]) -> None:
    first, second = found["file"]

    assert [event.native_id for event in (first, second)] == ["id-2", "id-3"]
    assert (second.resource_id, second.resource_type) == (KEY["ARN"], "AWS::KMS::Key")


def test_failures_and_their_reasons(found: dict[str, list[Found]]) -> None:
    assert [(one.outcome, one.row["reason"], one.message) for one in found["failed"]] == [
        ("failure", "AccessDenied", "not authorized")
    ]
    assert [(one.outcome, one.row["reason"]) for one in found["sign-in"]] == [("failure", "Failed authentication")]
    assert [(one.outcome, one.row["reason"]) for one in found["mfa"]] == [("failure", None)]
    assert [(one.outcome, one.row["reason"]) for one in found["network"]] == [("failure", "VpceAccessDenied")]


@pytest.mark.parametrize("actor", IDENTITIES)
def test_whoever_it_was(found: dict[str, list[Found]], actor: str) -> None:
    assert [event.actor for event in found[actor]] == [actor]


def test_the_resource_as_far_as_it_can_be_told(found: dict[str, list[Found]]) -> None:
    assert {name: found[name][0].resource_id for name in ("instance", "instances", "bucket")} == {
        "instance": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",
        "instances": "aws:111122223333:eu-west-1:ec2.amazonaws.com",
        "bucket": "arn:aws:s3:::b",
    }
    assert found["instance"][0].host_name == "i-1"


def test_insights_and_old_records(found: dict[str, list[Found]]) -> None:
    for name in ("insight", "eventbridge insight"):
        [insight] = found[name]
        assert (insight.action, insight.outcome, insight.actor) == ("ApiCallRateInsight", None, None)
        assert insight.message == "Start of ApiCallRateInsight: GetParameter of ssm.amazonaws.com"
    assert [(one.action, one.cloud_account_id, one.native_id) for one in found["old"]] == [
        ("CreateUser", "111122223333", None)
    ]


def test_in_eventbridge_it_is_the_same_call(found: dict[str, list[Found]]) -> None:
    [event], [queued] = found["eventbridge"], found["queue"]

    assert (event.source, event.native_id, event.action) == ("aws.cloudtrail", "id-7", "Decrypt")
    assert {name: value for name, value in event.attributes.items() if name.startswith("eventbridge.")} == {
        "eventbridge.version": "0", "eventbridge.id": "e-1", "eventbridge.source": "aws.kms",
        "eventbridge.detail-type": "AWS API Call via CloudTrail", "eventbridge.resources": "[]",
    }  # fmt: skip
    assert queued.native_id == "id-12"


def test_what_is_no_call(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["digest"]] == [("ignored", "digest_file")]
    assert [one.reason for one in found["lookalikes"]] == ["unknown_envelope", "unknown_envelope"]


def test_one_bad_record_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["bad"]] == [None, "bad_time", "no_action", "bad_time"]


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(calls=st.lists(st.tuples(names, names), min_size=30, max_size=60))
def test_any_call_of_anyone(decode: Decode, calls: list[tuple[str, str]]) -> None:
    records = [trail(n, eventName=name, userIdentity={"userName": user}) for n, (name, user) in enumerate(calls)]

    [events] = decode({"Records": records})

    assert [(event.action, event.actor) for event in events] == calls
