"""Corrupted copies of one good record of each family: nothing stops decoding, nothing is lost, nothing made up."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

MACHINE = "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/VM"
TIME = "2026-03-02T10:00:00Z"
ROW = {"TimeGenerated": TIME, "Computer": "vm", "_ResourceId": MACHINE, "_ItemId": "id"}
NANOS = "1772445600000000000"
DETAIL = {"instance-id": "i-0a1", "state": "stopped"}
GOOD: list[dict[str, Any]] = [
    {**ROW, "Type": "Perf", "ObjectName": "Memory", "CounterName": "Free", "InstanceName": "x", "CounterValue": 1.5},
    {**ROW, "Type": "Heartbeat", "Version": "1.2", "OSType": "Linux"},
    {**ROW, "Type": "Syslog", "SeverityLevel": "err", "ProcessName": "sshd", "SyslogMessage": "failed"},
    {
        "time": TIME, "resourceId": MACHINE, "metricName": "cpu", "timeGrain": "PT1M", "average": 1.5, "total": 3,
        "count": 2, "minimum": 1, "maximum": 2, "unit": "Percent", "dimensions": {"tier": "hot"},
    },
    {
        "time": TIME, "resourceId": MACHINE, "category": "Audit", "operationName": "read", "level": "Error",
        "location": "westeurope", "properties": {"message": "denied", "status": 403},
    },
    {
        "time": TIME, "resourceId": MACHINE, "category": "Administrative", "operationName": "delete", "caller": "ann",
        "resultType": "Success", "callerIpAddress": "192.0.2.1", "properties": {"message": "gone"},
    },
    {
        "account_id": "1", "region": "eu-west-1", "namespace": "AWS/EC2", "metric_name": "cpu", "unit": "Percent",
        "dimensions": {"InstanceId": "i-1"}, "timestamp": 1772445600000, "value": {"count": 1, "sum": 2, "max": 2},
    },
    {
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
        "logEvents": [{"id": "e", "timestamp": 1772445600000, "message": "hello"}],
    },
    {
        "version": "0", "id": "i", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
        "account": "111122223333", "time": TIME, "region": "eu-west-1", "resources": [], "detail": DETAIL,
    },
    {
        "eventVersion": "1.08", "eventID": "e", "eventTime": TIME, "awsRegion": "eu-west-1", "eventName": "ListBuckets",
        "eventSource": "s3.amazonaws.com", "sourceIPAddress": "192.0.2.1", "userIdentity": {"type": "Root", "arn": "a"},
    },
    {
        "kind": "Event", "apiVersion": "v1", "metadata": {"name": "n", "namespace": "shop", "uid": "u"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "shop"}, "reason": "Started", "message": "m",
        "source": {"component": "kubelet", "host": "node"}, "lastTimestamp": TIME, "count": 2, "type": "Normal",
    },
    {
        "resourceMetrics": [{
            "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "h"}}]},
            "scopeMetrics": [{
                "scope": {"name": "disk"},
                "metrics": [{"name": "used", "unit": "By", "gauge": {"dataPoints": [
                    {"asInt": "5", "timeUnixNano": NANOS, "attributes": [{"key": "k", "value": {"stringValue": "v"}}]}
                ]}}],
            }],
        }]
    },
    {
        "resourceLogs": [{
            "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "h"}}]},
            "scopeLogs": [{"scope": {"name": "app"}, "logRecords": [
                {"timeUnixNano": NANOS, "severityNumber": 9, "severityText": "INFO", "body": {"stringValue": "b"}}
            ]}],
        }]
    },
    {
        "AvailabilityZone": "eu-west-1a", "InstanceType": "m5.large", "ProductDescription": "Linux/UNIX",
        "SpotPrice": "0.0870", "Timestamp": TIME,
    },
    {"timestamp": TIME, "value": "5", "name": "up", "labels": {"__name__": "up", "instance": "h:9100"}},
]  # fmt: skip
# What a member is replaced with, and what is to be found of that wherever the record goes.
MARK = "7193771"
CHANGED: list[Any] = [MARK, int(MARK), {MARK: 1}, [MARK]]


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*above, name)
        yield from paths(inner, (*above, name))


def changed(record: dict[str, Any], path: tuple[Any, ...], to: Any) -> dict[str, Any]:
    other = copy.deepcopy(record)
    holder: Any = other
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return other


def says(found: list[Found], mark: str) -> bool:
    """Whether a row has it, or it went to quarantine as it came; a time may have been read of it."""
    rows = [one.row.asDict(recursive=True) for one in found]
    return any(one.table in ("quarantine", "ignored") for one in found) or any(
        mark in json.dumps(row, default=str) or row["event_time"].year == 1970 for row in rows
    )


def test_a_member_of_another_type_is_kept_or_quarantined(decode: Decode) -> None:
    cases = [(record, path, to) for record in GOOD for path in paths(record) for to in CHANGED]

    found = decode(*(changed(*case) for case in cases))

    lost = [
        (path, to, [one.table for one in each])
        for (_, path, to), each in zip(cases, found, strict=True)
        if not each or not says(each, MARK)
    ]
    assert lost == []


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_damaged_value_is_accounted_for(decode: Decode, data: st.DataObject) -> None:
    """Cut off anywhere, a byte changed, a member dropped or null."""
    values: list[bytes] = []
    for record in GOOD:
        text = json.dumps(record).encode()
        at = st.integers(0, len(text) - 1)
        values += [text[:end] for end in data.draw(st.lists(at, min_size=4, max_size=4))]
        for place, byte in data.draw(st.lists(st.tuples(at, st.integers(0, 255)), min_size=6, max_size=6)):
            values.append(text[:place] + bytes([byte]) + text[place + 1 :])
        for path in paths(record):
            values.append(json.dumps(changed(record, path, None)).encode())

    found = decode(*values)

    assert [value for value, each in zip(values, found, strict=True) if not each] == []
