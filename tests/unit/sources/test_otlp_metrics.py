"""OTLP JSON metrics: every kind of point, every spelling of the format, and what goes to quarantine alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

AT = "1760000000123456789"
TIME = datetime.fromtimestamp(1760000000, UTC).replace(tzinfo=None, microsecond=123456)


def attribute(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


def text_attributes(**values: str) -> list[dict[str, Any]]:
    return [attribute(key.replace("__", "."), {"stringValue": value}) for key, value in values.items()]


def metrics(*several: Any, resource: Any = None, scope: Any = None) -> dict[str, Any]:
    """An export with these metrics in one scope of one resource."""
    about = {"attributes": text_attributes(host__name="Web-1")} if resource is None else resource
    held = {"scope": {"name": "disk", "version": "1.2"} if scope is None else scope, "metrics": list(several)}
    return {"resourceMetrics": [{"resource": about, "scopeMetrics": [held]}]}


def gauge(*points: Any, name: str = "used") -> dict[str, Any]:
    return {"name": name, "unit": "By", "description": "Space", "gauge": {"dataPoints": list(points)}}


def test_a_point_of_each_kind(decode: Decode) -> None:
    distribution = {"timeUnixNano": AT, "count": "4", "sum": 10.0, "min": 1, "max": 4}
    export = metrics(
        gauge({"asInt": "9007199254740993", "timeUnixNano": AT}),
        {"name": "sent", "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [
            {"asDouble": 2.5, "startTimeUnixNano": "1759999990123456789", "timeUnixNano": AT}]}},
        {"name": "took", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {**distribution, "bucketCounts": ["1", "3"], "explicitBounds": [2], "exemplars": [{"asInt": "1"}]}]}},
        {"name": "size", "exponentialHistogram": {"dataPoints": [{**distribution, "scale": 3, "zeroCount": "0"}]}},
        {"name": "wait", "summary": {"dataPoints": [{"timeUnixNano": AT, "count": "4", "sum": 10, "quantileValues": [
            {"value": 1}, {"quantile": 0.5, "value": 2}, {"quantile": 0.999, "value": "NaN"},
            {"quantile": 1, "value": 4}
        ]}]}},
    )  # fmt: skip

    [[used, sent, took, size, wait]] = decode(export)

    assert (used.source, used.event_time, used.value, used.unit) == ("otlp.metrics", TIME, 9007199254740992.0, "By")
    assert (used.resource_id, used.host_name, used.namespace) == ("web-1", "web-1", "disk")
    assert used.attributes == {
        "host.name": "Web-1", "otel.scope.name": "disk", "otel.scope.version": "1.2", "kind": "gauge",
        "description": "Space", "asInt": "9007199254740993",
    }  # fmt: skip
    assert (sent.value, sent.interval_seconds) == (2.5, 10)
    assert (sent.attributes["aggregationTemporality"], sent.attributes["isMonotonic"]) == ("1", "true")
    assert (took.value, took.sample_count, took.total, took.minimum, took.maximum) == (2.5, 4, 10, 1, 4)
    assert took.interval_seconds is None
    assert (took.attributes["bucketCounts"], took.attributes["explicitBounds"]) == ('["1","3"]', "[2]")
    assert took.attributes["exemplars"] == '[{"asInt":"1"}]'
    assert (size.value, size.attributes["scale"]) == (2.5, "3")
    assert (wait.value, wait.minimum, wait.maximum) == (2.5, 1, 4)
    assert {name: value for name, value in wait.percentiles.items() if value == value} == {"p0": 1, "p50": 2, "p100": 4}
    assert math.isnan(wait.percentiles["p99.9"])


def test_attributes_of_any_kind_are_dimensions_and_keep_their_own_name(decode: Decode) -> None:
    nested = {"arrayValue": {"values": [{"intValue": "1"}, {"doubleValue": 0.5}, {"boolValue": False}, {}]}}
    point = {
        "asInt": 1,
        "timeUnixNano": int(AT),
        "attributes": [
            attribute("text", {"stringValue": "a"}), attribute("number", {"intValue": "12"}),
            attribute("real", {"doubleValue": 0.10}), attribute("flag", {"boolValue": True}),
            attribute("bytes", {"bytesValue": "AQI="}), attribute("list", nested), attribute("none", {}),
            attribute("map", {"kvlistValue": {"values": [attribute("k", nested)]}}),
            attribute("host.name", {"stringValue": "own"}),
        ],
    }  # fmt: skip

    [[found]] = decode(metrics(gauge(point), resource={"attributes": text_attributes(host__name="h", db="x")}))

    assert found.dimensions == {
        "text": "a", "number": "12", "real": "0.1", "flag": "true", "bytes": "AQI=", "list": "[1,0.5,false,null]",
        "none": None, "map": '{"k":[1,0.5,false,null]}', "host.name": "own", "db": "x",
    }  # fmt: skip
    assert found.attributes["host.name"] == "h"


def test_other_spellings_and_old_versions(decode: Decode) -> None:
    snake = {
        "resource_metrics": [
            {
                "scope_metrics": [
                    {
                        "metrics": [
                            {"name": "a", "gauge": {"data_points": [{"as_double": "Infinity", "time_unix_nano": AT}]}}
                        ]
                    }
                ]
            }
        ]
    }
    old = {
        "resourceMetrics": [
            {
                "instrumentationLibraryMetrics": [
                    {
                        "instrumentationLibrary": {"name": "old"},
                        "metrics": [
                            {
                                "name": "b",
                                "intGauge": {
                                    "dataPoints": [
                                        {"value": "3", "timeUnixNano": AT, "labels": [{"key": "l", "value": "v"}]}
                                    ]
                                },
                            }
                        ],
                    }
                ]
            }
        ]
    }
    alone = metrics(gauge({"asDouble": "NaN", "timeUnixNano": AT}))["resourceMetrics"][0]

    [[a], [b], [c]] = decode(snake, old, alone)  # fmt: skip

    assert (a.value, a.namespace, a.resource_id) == (math.inf, "otlp", "unknown_service")
    assert (b.value, b.namespace, b.dimensions) == (3, "old", {"l": "v"})
    assert math.isnan(c.value)


def test_what_identifies_the_resource(decode: Decode) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/t"
    of = (
        ({"cloud.resource_id": "/Subscriptions/S1/resourceGroups/g/providers/Microsoft.Web/sites/W", "host.name": "h"},
         "/subscriptions/s1/resourcegroups/g/providers/microsoft.web/sites/w"),
        ({"aws.ecs.task.arn": arn, "service.name": "s"}, arn),
        ({"service.namespace": "shop", "service.name": "s", "service.instance.id": "i", "host.name": "h"}, "shop/s/i"),
        ({"k8s.pod.uid": "u", "host.name": "h"}, "u"),
        ({"k8s.namespace.name": "n", "k8s.pod.name": "p", "k8s.node.name": "N"}, "n/p"),
        ({"host.id": "i-0abc", "cloud.region": "eu-west-1", "cloud.account.id": "123456789012"},
         "arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc"),
        ({"host.id": "i-0abc"}, "i-0abc"),
        ({"service.name": "s"}, "s"),
        ({"b": "2", "a": "1"}, "a=1,b=2"),
        ({}, "unknown_service"),
    )  # fmt: skip
    exports = [
        metrics(gauge({"asInt": 1, "timeUnixNano": AT}), resource={
            "attributes": [attribute(key, {"stringValue": value}) for key, value in attributes.items()]})
        for attributes, _ in of
    ]  # fmt: skip

    found = decode(*exports)

    assert [one.resource_id for [one] in found] == [expected for _, expected in of]
    assert [found[1][0].cloud_provider, found[1][0].cloud_account_id] == ["aws", "123456789012"]
    assert [found[0][0].cloud_provider, found[0][0].cloud_account_id] == ["azure", "s1"]


def test_what_has_no_measurement_is_ignored_and_what_is_wrong_goes_alone(decode: Decode) -> None:
    export = metrics(
        gauge(
            {"asInt": "1", "timeUnixNano": AT},
            {"timeUnixNano": AT, "flags": 1},
            {"timeUnixNano": AT},
            {"asInt": "one", "timeUnixNano": AT},
            {"asInt": "1", "timeUnixNano": "0"},
        ),
        {"name": "empty"},
        {"name": "none", "sum": {"dataPoints": []}},
        {"name": "bad", "sum": {"dataPoints": "oops"}},
        "bad",
        {"name": "lost", "histogram": {"dataPoints": [{"timeUnixNano": AT, "sum": 3}]}},
        {"name": "zero", "histogram": {"dataPoints": [{"timeUnixNano": AT}]}},
        {"name": "unknown", "histogram": {"dataPoints": [{"timeUnixNano": AT, "count": "2"}]}},
    )
    bad_scopes = {"resourceMetrics": [{"scopeMetrics": "bad"}, {"scopeMetrics": []}]}

    first, second, third, fourth = decode(export, bad_scopes, {"resourceMetrics": []}, {"resourceMetrics": 5})

    assert [(one.table, one.reason) for one in first] == [
        ("metrics", None), ("ignored", "no_data_points"), ("quarantine", "no_value"),
        ("quarantine", "bad_value"), ("quarantine", "bad_time"), ("ignored", "no_data_points"),
        ("ignored", "no_data_points"), ("quarantine", "wrong_shape"), ("quarantine", "wrong_shape"),
        ("quarantine", "no_value"), ("metrics", None), ("metrics", None),
    ]  # fmt: skip
    assert math.isnan(first[-2].value)
    assert (first[-2].sample_count, first[-1].sample_count) == (0, 2)
    assert [one.reason for one in second] == ["wrong_shape", "no_data_points"]
    assert [one.reason for one in third + fourth] == ["no_data_points", "wrong_shape"]
    assert b"bad" in second[0].raw


numbers = st.floats(width=64) | st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(numbers, min_size=30, max_size=60))
def test_any_number_arrives_as_it_was_measured(decode: Decode, values: list[float | int]) -> None:
    def point(value: float) -> dict[str, Any]:
        if isinstance(value, int):
            return {"asInt": str(value), "timeUnixNano": AT}
        infinite = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN" if math.isnan(value) else value)
        return {"asDouble": infinite, "timeUnixNano": AT}

    [found] = decode(metrics(gauge(*map(point, values))))

    assert [repr(one.value) for one in found] == [repr(float(value)) for value in values]
