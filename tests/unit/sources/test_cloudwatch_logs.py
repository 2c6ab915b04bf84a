"""CloudWatch Logs subscriptions: log events as logs, however they are packed, and what is no telemetry in them."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

STREAM = "i-0aa11bb22cc33dd44"


def log_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": f"event-{number}", "timestamp": 1772446530123 + number, "message": f"line {number}", **changes}


def subscription(*events: Any, **changes: Any) -> dict[str, Any]:
    return {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/shop/cart", "logStream": STREAM,
        "subscriptionFilters": ["to-kafka"], "logEvents": list(events), **changes,
    }  # fmt: skip


def packed(*values: Any) -> bytes:
    return b"".join(gzip.compress(json.dumps(value).encode()) for value in values)


def in_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


EXTRACTED = {"@aws.account": "444455556666", "@aws.region": "eu-west-1", "level": "WARN", "none": None}
FLOW = "2 111122223333 eni-1 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1772446500 1772446560 ACCEPT OK"


def data(number: int) -> bytes:
    """Different each time: of the same record, only one is kept."""
    return packed(subscription(log_event(number)))


VALUES: dict[str, Any] = {
    "plain": subscription(log_event(1), log_event(2)),
    "json": subscription(log_event(message='{"level":"info","eventVersion":"1.08"}'), log_event(2, message="{cut")),
    "extracted": subscription(log_event(extractedFields=EXTRACTED), policyLevel="ACCOUNT_LEVEL_POLICY"),
    "flow": subscription(log_event(message=FLOW), logGroup="/vpc/flow", logStream="eni-1-all"),
    "control": subscription(log_event(message="CWL CONTROL MESSAGE: Checking health"), messageType="CONTROL_MESSAGE"),
    "control without events": subscription(messageType="CONTROL_MESSAGE", owner="CloudwatchLogs"),
    "empty": subscription(),
    "without type": {name: value for name, value in subscription(log_event()).items() if name != "messageType"},
    "quoted time": subscription(log_event(timestamp="1772446530124"), log_event(timestamp=1)),
    "bad": subscription(
        log_event(1), log_event(2, timestamp="soon"), log_event(3, message=None), None, log_event(5, message="")
    ),
    "no list": subscription(logEvents="none"),
    "no group": {name: value for name, value in subscription(log_event()).items() if name != "logGroup"},
    "anonymous": {"messageType": "DATA_MESSAGE", "logEvents": [log_event()]},
    "gzip": packed(subscription(log_event(7))),
    "members": packed(subscription(log_event(1)), subscription(log_event(2))),
    "objects": gzip.compress(b"".join(json.dumps(subscription(log_event(n))).encode() for n in (3, 4))),
    "zlib": zlib.compress(json.dumps(subscription(log_event(11))).encode()),
    "base64": in_base64(data(12)),
    "function": {"awslogs": {"data": in_base64(data(13))}},
    "kinesis": {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": in_base64(data(14))}}]},
    "firehose": {"invocationId": "i", "records": [{"recordId": "r", "data": in_base64(data(15))}]},
    "truncated": data(20)[:-9],
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_each_log_event_is_a_log_of_its_group(found: dict[str, list[Found]]) -> None:
    first, second = found["plain"]

    assert [(log.table, log.part, log.message, log.native_id) for log in (first, second)] == [
        ("logs", 0, "line 1", "event-1"), ("logs", 1, "line 2", "event-2"),
    ]  # fmt: skip
    assert first.event_time == datetime(2026, 3, 2, 10, 15, 30, 124000)
    assert (first.source, first.cloud_provider, first.cloud_account_id) == (
        "aws.cloudwatch_logs",
        "aws",
        "111122223333",
    )
    assert (first.resource_id, first.host_name, first.logger) == (
        "aws:111122223333::log-group:/shop/cart", STREAM, STREAM,
    )  # fmt: skip
    assert first.attributes == {"logGroup": "/shop/cart", "subscriptionFilters": '["to-kafka"]'}


def test_a_message_is_text_whatever_it_looks_like(found: dict[str, list[Found]]) -> None:
    assert [log.message for log in found["json"]] == ['{"level":"info","eventVersion":"1.08"}', "{cut"]
    assert [(log.table, log.message, log.host_name) for log in found["flow"]] == [("logs", FLOW, None)]


def test_extracted_fields_tell_whose_log_it_is(found: dict[str, list[Found]]) -> None:
    [log] = found["extracted"]

    assert (log.cloud_account_id, log.cloud_region) == ("444455556666", "eu-west-1")
    assert log.resource_id == "arn:aws:logs:eu-west-1:444455556666:log-group:/shop/cart"
    assert log.attributes == {
        "@aws.account": "444455556666", "@aws.region": "eu-west-1", "level": "WARN", "logGroup": "/shop/cart",
        "subscriptionFilters": '["to-kafka"]', "policyLevel": "ACCOUNT_LEVEL_POLICY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [("control", "control_message"), ("control without events", "control_message"), ("empty", "empty_records")],
)
def test_what_is_no_telemetry_is_ignored(found: dict[str, list[Found]], name: str, reason: str) -> None:
    assert [(one.table, one.reason) for one in found[name]] == [("ignored", reason)]


def test_senders_that_leave_members_out(found: dict[str, list[Found]]) -> None:
    assert [log.message for log in found["without type"]] == ["line 1"]
    assert [log.resource_id for log in found["no group"]] == [f"aws:111122223333::log-stream:{STREAM}"]
    assert [log.event_time for log in found["quoted time"]] == [
        datetime(2026, 3, 2, 10, 15, 30, 124000), datetime(1970, 1, 1, 0, 0, 0, 1000),
    ]  # fmt: skip


def test_one_bad_event_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["bad"]] == [
        ("logs", None), ("quarantine", "bad_time"), ("quarantine", "no_message"), ("quarantine", "wrong_shape"),
        ("logs", None),
    ]  # fmt: skip
    assert [one.reason for one in found["no list"]] == ["wrong_shape"]
    assert [one.reason for one in found["anonymous"]] == ["no_resource"]


@pytest.mark.parametrize("name", ["gzip", "zlib", "base64", "function", "kinesis", "firehose"])
def test_however_it_is_packed(found: dict[str, list[Found]], name: str) -> None:
    [log] = found[name]

    assert (log.table, log.message[:4], log.resource_id) == ("logs", "line", "aws:111122223333::log-group:/shop/cart")


def test_several_in_one_value(found: dict[str, list[Found]]) -> None:
    assert [log.message for log in found["members"]] == ["line 1", "line 2"]
    assert [log.message for log in found["objects"]] == ["line 3", "line 4"]


def test_cut_off(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["truncated"]] == ["malformed_gzip"]


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(texts, min_size=30, max_size=60))
def test_any_message_arrives_as_it_was_written(decode: Decode, messages: list[str]) -> None:
    events = [log_event(number, message=message) for number, message in enumerate(messages)]

    [plain, zipped] = decode(subscription(*events), packed(subscription(*events, owner="222233334444")))

    assert [log.message for log in plain] == messages
    assert [log.message for log in zipped] == messages
