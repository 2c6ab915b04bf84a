"""OTLP JSON logs: bodies of any kind, times, severities and ids in every spelling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

AT = "1760000000123456789"
TIME = datetime.fromtimestamp(1760000000, UTC).replace(tzinfo=None, microsecond=123456)


def logs(*records: Any, **scope: Any) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}], "droppedAttributesCount": 1}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": list(records)}]}]}


def record(**changes: Any) -> dict[str, Any]:
    made = {"timeUnixNano": AT, "severityNumber": 17, "severityText": "Error", "body": {"stringValue": "it broke"}}
    return {key: value for key, value in (made | changes).items() if value is not None}


def test_a_record_with_all_it_can_have(decode: Decode) -> None:
    full = record(
        observedTimeUnixNano="1760000001000000000", traceId="5B8EFFF798038103D269B633813FC60C",
        spanId="EEE19B7EC3C1B174", flags=1,
        attributes=[{"key": "service.name", "value": {"stringValue": "own"}},
                             {"key": "log.record.uid", "value": {"stringValue": "r1"}}],
    )  # fmt: skip

    [[log]] = decode(logs(full, name="lib", version="2", attributes=[{"key": "a", "value": {"boolValue": True}}]))

    assert (log.table, log.source, log.event_time, log.native_id) == ("logs", "otlp.logs", TIME, "r1")
    assert (log.message, log.severity_text, log.severity_number, log.logger) == ("it broke", "Error", 17, "lib")
    assert (log.trace_id, log.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (log.resource_id, log.resource_type) == ("shop", "service")
    assert log.attributes == {
        "resource.service.name": "shop", "service.name": "own", "log.record.uid": "r1", "flags": "1",
        "observedTimeUnixNano": "1760000001000000000", "otel.scope.name": "lib", "otel.scope.version": "2",
        "otel.scope.a": "true", "resource.droppedAttributesCount": "1",
    }  # fmt: skip


def test_a_body_may_be_anything(decode: Decode) -> None:
    text = {"stringValue": 'say "hi"'}
    deep = {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "k", "value": text}]}}, {"intValue": "1"}]}}
    bodies = (text, {"intValue": "12"}, {"doubleValue": 1.50}, {"boolValue": False}, {"bytesValue": "AQI="}, deep,
              {"kvlistValue": {"values": [{"key": "a", "value": deep}]}}, {"kvlistValue": {}}, {"stringValue": ""}, {},
              {"string_value": "snake"}, "bare")  # fmt: skip

    [found] = decode(logs(*(record(body=body) for body in bodies)))

    assert [log.message for log in found] == [
        'say "hi"', "12", "1.5", "false", "AQI=", r'[{"k":"say \"hi\""},1]', r'{"a":[{"k":"say \"hi\""},1]}', "{}",
        "", "", "snake", "bare",
    ]  # fmt: skip


def test_times_severities_and_ids_in_other_spellings(decode: Decode) -> None:
    [found] = decode(
        logs(
            record(
                timeUnixNano="0", observedTimeUnixNano=AT, severityNumber="SEVERITY_NUMBER_WARN2", severityText=None
            ),
            record(severityNumber=0, severityText="warn", traceId="W47/95gDgQPSabYzgT/GDA==", spanId="7uGbfsPBsXQ="),
            record(severityNumber="9", traceId="", spanId="0000000000000000"),
            record(severityNumber=99, severityText=None, traceId="not one"),
            record(body=None, eventName="page.view"),
        )
    )

    assert [log.event_time for log in found] == [TIME] * 5
    assert [log.severity_number for log in found] == [14, 13, 9, None, 17]
    assert (found[1].trace_id, found[1].span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (found[2].trace_id, found[2].span_id) == (None, None)
    assert (found[3].attributes["severityNumber"], found[3].attributes["traceId"]) == ("99", "not one")
    assert found[4].message == "page.view"


def test_old_versions_and_snake_case(decode: Decode) -> None:
    old = {"resourceLogs": [{"instrumentationLibraryLogs": [{"logs": [record()]}]}]}
    snake = {"resource_logs": [{"scope_logs": [{"log_records": [
        {"time_unix_nano": AT, "severity_number": 9, "body": {"string_value": "hi"}}]}]}]}  # fmt: skip

    assert [(log.message, log.resource_id) for [log] in decode(old, snake)] == [
        ("it broke", "unknown_service"), ("hi", "unknown_service"),
    ]  # fmt: skip


def test_a_bad_record_goes_alone_and_nothing_is_ignored_unsaid(decode: Decode) -> None:
    export = logs(record(), record(timeUnixNano="soon"), 5, record(body=None))

    mixed, none, empty, wrong = decode(export, {"resourceLogs": []}, logs(), {"resourceLogs": {"scopeLogs": 1}})

    assert [one.reason for one in mixed] == [None, "bad_time", "wrong_shape", "no_message"]
    assert [one.reason for one in none + empty] == ["empty_records", "empty_records"]
    assert [one.reason for one in wrong] == ["wrong_shape"]


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(texts, min_size=30, max_size=60))
def test_any_text_arrives_as_it_was_written(decode: Decode, messages: list[str]) -> None:
    attributes = [[{"key": "k", "value": {"stringValue": message}}] for message in messages]
    records = [
        record(body={"stringValue": text}, attributes=own) for text, own in zip(messages, attributes, strict=True)
    ]

    [found] = decode(logs(*records))

    assert [(log.message, log.attributes["k"]) for log in found] == [(message, message) for message in messages]
