"""Container Insights: every number of a performance document is a metric, alone or in a subscription's message."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

NODE = "ip-10-1-2-3.eu-west-1.compute.internal"


def pod(**changes: Any) -> dict[str, Any]:
    return {
        "CloudWatchMetrics": [
            {
                "Namespace": "ContainerInsights", "Dimensions": [["PodName", "Namespace", "ClusterName"], ["Team"]],
                "Metrics": [{"Name": "pod_cpu_utilization", "Unit": "Percent"}, {"Name": "pod_memory_utilization"}],
            }
        ],
        "ClusterName": "blue", "NodeName": NODE, "InstanceId": "i-0123456789abcdef0", "Namespace": "shop",
        "PodName": "cart", "Team": "t1", "Timestamp": "1772446530123", "Type": "Pod", "Version": "0",
        "Sources": ["cadvisor"], "kubernetes": {"pod_name": "cart-1-x", "namespace_name": "shop", "host": NODE},
        "pod_cpu_utilization": 3.0625, "pod_memory_working_set": 100663296, "pod_status": "Running", **changes,
    }  # fmt: skip


def other(kind: str, **members: Any) -> dict[str, Any]:
    return {"ClusterName": "blue", "Timestamp": 1772446530123, "Type": kind, "Version": "0", **members}


def subscription(*messages: str, group: str = "/aws/containerinsights/blue/performance") -> dict[str, Any]:
    events = [{"id": f"e{n}", "timestamp": 1772446539000, "message": text} for n, text in enumerate(messages)]
    return {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": NODE,
        "subscriptionFilters": ["f"], "logEvents": events,
    }  # fmt: skip


TASK = other(
    "Container", ContainerName="web", TaskId="7ac4", TaskDefinitionFamily="web", TaskDefinitionRevision=3,
    EC2InstanceId="i-0aa11bb22cc33dd44", CpuUtilized=0.0, MemoryReserved=10,
)  # fmt: skip
PROMETHEUS = {
    "CloudWatchMetrics": [
        {
            "Namespace": "ContainerInsights/Prometheus", "Dimensions": [["ClusterName", "pod"]],
            "Metrics": [{"Name": "hits"}],
        }
    ],
    "ClusterName": "blue", "Timestamp": "1772446530123", "Version": "0", "pod": "p", "prom_metric_type": "counter",
    "hits": 4,
}  # fmt: skip
SINCE = {
    "_aws": {"Timestamp": 1772446530123, "CloudWatchMetrics": [{"Namespace": "N", "Metrics": [{"Name": "a"}]}]},
    "ClusterName": "blue", "Type": "Cluster", "Version": "1", "a": 1,
}  # fmt: skip
POD, CLUSTER = json.dumps(pod()), json.dumps(other("Cluster", cluster_node_count=3))
VALUES: dict[str, Any] = {
    "pod": pod(),
    "node": other("NodeFS", NodeName=NODE, device="/dev/xvda", fstype="xfs", node_filesystem_utilization=5.5),
    "cluster": other("Cluster", cluster_node_count=3, cluster_failed_node_count=0),
    "service": other("ClusterService", Namespace="shop", Service="cart", service_number_of_running_pods=2),
    "task": TASK,
    "prometheus": PROMETHEUS,
    "since": SINCE,
    "quoted": other("Cluster", cluster_node_count="3", cluster_name_text="4x", other_number="5"),
    "bad": json.dumps(pod(pod_cpu_utilization="high", pod_memory_utilization=None, load=0)).replace(": 0}", ": 1e999}"),
    "nothing": other("Node", NodeName=NODE),
    "bad time": other("Node", NodeName=NODE, Timestamp="later", node_cpu_limit=1),
    "subscription": subscription(POD, CLUSTER),
    "by content": subscription(CLUSTER, group="mine"),
    "damaged": subscription(POD[:-20], CLUSTER),
    "mixed": subscription("START", POD, group="mine"),
    "control": {**subscription(CLUSTER), "messageType": "CONTROL_MESSAGE"},
    "no events": subscription(),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_each_number_is_a_metric_of_the_pod(found: dict[str, list[Found]]) -> None:
    cpu, memory = found["pod"]

    assert [(row.table, row.metric, row.value, row.unit) for row in (cpu, memory)] == [
        ("metrics", "pod_cpu_utilization", 3.0625, "Percent"), ("metrics", "pod_memory_working_set", 100663296.0, None),
    ]  # fmt: skip
    assert cpu.event_time == datetime(2026, 3, 2, 10, 15, 30, 123000)
    assert (cpu.source, cpu.namespace, cpu.resource_type) == (
        "aws.container_insights", "ContainerInsights", "ContainerInsights/Pod",
    )  # fmt: skip
    assert (cpu.resource_id, cpu.host_name) == ("aws::eu-west-1:ContainerInsights:blue/shop/cart-1-x", NODE)
    assert (cpu.cloud_provider, cpu.cloud_region, cpu.cloud_account_id) == ("aws", "eu-west-1", None)
    assert cpu.series_id != memory.series_id


def test_labels_are_dimensions_and_what_changes_is_not(found: dict[str, list[Found]]) -> None:
    cpu = found["pod"][0]

    assert cpu.dimensions == {
        "Type": "Pod", "ClusterName": "blue", "NodeName": NODE, "InstanceId": "i-0123456789abcdef0",
        "Namespace": "shop", "PodName": "cart", "pod_name": "cart-1-x", "namespace_name": "shop", "Team": "t1",
    }  # fmt: skip
    assert {name: cpu.attributes[name] for name in ("pod_status", "Sources")} == {
        "pod_status": "Running", "Sources": '["cadvisor"]',
    }  # fmt: skip
    assert json.loads(cpu.attributes["kubernetes"])["host"] == NODE


@pytest.mark.parametrize(
    ("name", "resource", "metrics"),
    [
        ("node", f"aws::eu-west-1:ContainerInsights:blue/{NODE}", {"node_filesystem_utilization": 5.5}),
        ("cluster", "aws:::ContainerInsights:blue", {"cluster_node_count": 3.0, "cluster_failed_node_count": 0.0}),
        ("service", "aws:::ContainerInsights:blue/shop/cart", {"service_number_of_running_pods": 2.0}),
        ("task", "aws:::ContainerInsights:blue/7ac4", {"CpuUtilized": 0.0, "MemoryReserved": 10.0}),
        ("prometheus", "aws:::ContainerInsights/Prometheus:blue", {"hits": 4.0}),
        ("since", "aws:::N:blue", {"a": 1.0}),
        ("quoted", "aws:::ContainerInsights:blue", {"cluster_node_count": 3.0}),
    ],
)
def test_kinds_of_document(found: dict[str, list[Found]], name: str, resource: str, metrics: dict[str, float]) -> None:
    assert {row.metric: row.value for row in found[name]} == metrics
    assert {row.resource_id for row in found[name]} == {resource}
    assert {row.event_time for row in found[name]} == {datetime(2026, 3, 2, 10, 15, 30, 123000)}


def test_text_that_is_no_metric_stays_text(found: dict[str, list[Found]]) -> None:
    assert found["quoted"][0].attributes == {"cluster_name_text": "4x", "other_number": "5"}
    assert found["task"][0].attributes == {"TaskDefinitionRevision": "3"}
    assert found["task"][0].host_name == "i-0aa11bb22cc33dd44"


def test_one_bad_metric_goes_alone(found: dict[str, list[Found]]) -> None:
    assert sorted((one.table, one.reason or one.metric) for one in found["bad"]) == [
        ("metrics", "pod_memory_working_set"), ("quarantine", "bad_value"), ("quarantine", "bad_value"),
        ("quarantine", "no_value"),
    ]  # fmt: skip
    assert [one.reason for one in found["bad time"]] == ["bad_time"]


def test_a_document_without_numbers_is_ignored(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["nothing"]] == [("ignored", "no_data_points")]


def test_documents_as_messages_of_a_subscription(found: dict[str, list[Found]]) -> None:
    rows = found["subscription"]

    assert [(row.part, row.metric) for row in rows] == [
        (0, "pod_cpu_utilization"), (1, "pod_memory_working_set"), (2, "cluster_node_count"),
    ]  # fmt: skip
    assert {(row.native_id, row.cloud_account_id, row.table) for row in rows} == {
        ("e0", "111122223333", "metrics"), ("e1", "111122223333", "metrics"),
    }  # fmt: skip
    assert rows[2].attributes == {
        "logGroup": "/aws/containerinsights/blue/performance", "logStream": NODE, "subscriptionFilters": '["f"]',
    }  # fmt: skip
    assert [row.metric for row in found["by content"]] == ["cluster_node_count"]


def test_a_damaged_message_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["damaged"]] == [
        ("quarantine", "malformed_json"),
        ("metrics", None),
    ]


def test_other_log_groups_stay_logs(found: dict[str, list[Found]]) -> None:
    assert [one.table for one in found["mixed"]] == ["logs", "logs"]
    assert [one.reason for one in found["control"]] == ["control_message"]
    assert [one.reason for one in found["no events"]] == ["empty_records"]


numbers = st.dictionaries(
    st.from_regex(r"node_[a-z]{1,12}", fullmatch=True),
    st.integers(-(2**50), 2**50) | st.floats(-1e12, 1e12),
    max_size=4,
)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents=st.lists(numbers, min_size=30, max_size=60))
def test_as_many_metrics_as_numbers(decode: Decode, documents: list[dict[str, float]]) -> None:
    sent = [other("Node", NodeName=f"n{number}", **members) for number, members in enumerate(documents)]

    for rows, members in zip(decode(*sent), documents, strict=True):
        if members:
            assert {row.metric: row.value for row in rows} == pytest.approx(members)
        else:
            assert [row.reason for row in rows] == ["no_data_points"]
