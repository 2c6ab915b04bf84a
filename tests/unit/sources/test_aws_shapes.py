"""Shapes of AWS' records that are rarer, and the envelopes that they come in."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from tests.unit.sources.conftest import Decode


def call(name: str, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.08", "eventID": name, "eventTime": "2026-03-02T10:00:00Z", "awsRegion": "eu-west-1",
        "eventSource": "s3.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"}, **more,
    }  # fmt: skip


def in_queue(message: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(message)}]}


def test_a_message_that_holds_several_records_makes_as_many_events(decode: Decode) -> None:
    lists = decode(
        in_queue({"Records": [call("ListBuckets"), call("GetObject")]}),
        in_queue({"Records": [call("PutObject")]}),
        in_queue({"Records": [call("DeleteObject"), {"neither": "this"}]}),
    )

    assert [[one.row["native_id"] if one.table == "events" else one.reason for one in each] for each in lists] == [
        ["ListBuckets", "GetObject"], ["PutObject"], ["DeleteObject", "unknown_envelope"],
    ]  # fmt: skip
    positions = {(one.row["offset"], one.row["item"], one.row["part"]) for each in lists for one in each}
    assert len(positions) == 5


def test_base64_of_json_is_opened_however_it_begins(decode: Decode) -> None:
    texts = [json.dumps(call("A")), json.dumps(call("B"), indent=2), f"[{json.dumps(call('C'))}]"]
    records = [{"recordId": "1", "data": base64.b64encode(text.encode()).decode()} for text in texts]

    [found] = decode({"deliveryStreamArn": "arn:aws:firehose:eu-west-1:1:x", "records": records})

    assert [one.native_id for one in found] == ["A", "B", "C"]


def test_a_status_of_http_says_how_a_call_ended(decode: Decode) -> None:
    [[good, moved, bad, error]] = decode(
        [
            call("a", errorCode="200"),
            call("b", errorCode="304"),
            call("c", errorCode="404"),
            call("d", errorCode="Denied"),
        ]
    )

    assert [one.outcome for one in (good, moved, bad, error)] == ["success", "success", "failure", "failure"]
    assert good.row["reason"] == "200"


def test_what_rds_tells_a_topic_is_an_event(decode: Decode) -> None:
    told = {
        "Event Source": "db-instance", "Event Time": "2026-03-02 10:00:00.500", "Source ID": "orders",
        "Identifier Link": "https://console.aws.amazon.com/rds/home?region=eu-west-1#dbinstance:id=orders",
        "Event ID": "http://docs.amazonwebservices.com/x.html#RDS-EVENT-0006", "Event Message": "DB instance restarted",
    }  # fmt: skip
    arn = "arn:aws:rds:eu-central-1:111122223333:db:orders"
    by_topic = {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": json.dumps(told)}}]}

    [old], [new], [topic], [none] = decode(told, {**told, "Source ARN": arn}, by_topic, {**told, "Event Time": "soon"})

    assert (old.source, old.table, old.resource_id) == ("aws.rds", "events", "aws::eu-west-1:db-instance:orders")
    assert (old.event_time, old.message) == (datetime(2026, 3, 2, 10, 0, 0, 500_000), "DB instance restarted")
    assert (old.row["reason"], old.cloud_region) == ("RDS-EVENT-0006", "eu-west-1")
    assert (new.resource_id, new.cloud_account_id, new.cloud_region) == (arn, "111122223333", "eu-central-1")
    assert topic.resource_id == old.resource_id
    assert none.reason == "bad_time"


def test_nothing_that_an_embedded_document_says_of_a_metric_is_lost(decode: Decode) -> None:
    document = {
        "_aws": {
            "Timestamp": 1772445600000, "LogGroupName": "g",
            "CloudWatchMetrics": [
                {"Namespace": "N", "Dimensions": [["s"]], "Metrics": [{"Name": "t", "StorageResolution": 1}]}
            ],
        },
        "s": "x", "t": {"Min": 1, "Max": 3, "Sum": 8, "Count": 4, "Values": [1, 3], "Counts": [2, 2]},
    }  # fmt: skip

    [[one]] = decode(document)

    assert (one.value, one.minimum, one.maximum, one.total, one.sample_count) == (2.0, 1.0, 3.0, 8.0, 4.0)
    assert one.attributes == {
        "LogGroupName": "g", "StorageResolution": "1", "Values": "[1,3]", "Counts": "[2,2]",
    }  # fmt: skip
