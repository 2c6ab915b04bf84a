"""Members that our schemas do not know, as a service adds them: each is found in the attributes of its row."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.sources.conftest import Decode


def perf(**more: Any) -> dict[str, Any]:
    return {
        "Type": "Perf", "TimeGenerated": "2026-03-02T10:00:00Z", "Computer": "vm", "ObjectName": "Memory",
        "CounterName": "Available MBytes", "CounterValue": 5.0, **more,
    }  # fmt: skip


def beat(**more: Any) -> dict[str, Any]:
    return {"Type": "Heartbeat", "TimeGenerated": "2026-03-02T10:00:00Z", "Computer": "vm", "Version": "1.2", **more}


def stream(**more: Any) -> dict[str, Any]:
    return {
        "account_id": "1", "region": "eu-west-1", "namespace": "AWS/EC2", "metric_name": "CPUUtilization",
        "dimensions": {"InstanceId": "i-1"}, "timestamp": 1772445600000, "unit": "Percent",
        "value": {"count": 1.0, "sum": 2.0, "max": 2.0, "min": 2.0}, **more,
    }  # fmt: skip


def test_a_member_that_a_service_adds_is_an_attribute(decode: Decode) -> None:
    values = decode(
        {"records": [perf(Min=1.5, SampleCount=3, _BilledSize=120)]},
        {"records": [perf(Quality="good", Nested={"a": [1]}), perf(Quality="bad")]},
        {"records": [perf()]},
        {"records": [beat(AgentMode="full", ComputerPrivateIPs=["10.0.0.4"])]},
        "\n".join(json.dumps(stream(source_partition=index)) for index in (1, 2)),
        perf(Quality="}{"),
    )

    documented, added, plain, beats, lines, braces = values
    assert {one.reason for value in values for one in value} == {None}
    assert documented[0].attributes == {"Min": "1.5", "SampleCount": "3", "_BilledSize": "120"}
    assert documented[0].value == 5.0
    assert [one.attributes["Quality"] for one in added] == ["good", "bad"]
    assert added[0].attributes["Nested"] == '{"a":[1]}'
    assert [value for value in plain[0].attributes.values() if value is not None] == []
    assert (beats[0].attributes["AgentMode"], beats[0].agent_version) == ("full", "1.2")
    assert [one.attributes for one in lines] == [{"source_partition": "1"}, {"source_partition": "2"}]
    assert [one.total for one in lines] == [2.0, 2.0]
    assert (braces[0].metric, braces[0].host_name) == ("Available MBytes", "vm")


def test_a_name_that_is_no_text_is_not_taken_for_one(decode: Decode) -> None:
    values = decode(
        perf(Computer={"name": "vm"}),
        beat(Computer=["vm"]),
        stream(region={"name": "eu-west-1"}),
        stream(unit=5),
    )

    assert [one.reason for [one] in values] == ["wrong_shape", "wrong_shape", "wrong_shape", None]
