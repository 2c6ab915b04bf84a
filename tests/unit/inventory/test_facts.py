"""What each silver table tells of a resource, and what its id does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.inventory.columns import TOLD_BY
from pipelines.inventory.facts import with_facts
from pipelines.inventory.from_id import constants, host, name
from pipelines.inventory.statements import statements_of
from tests.unit.inventory.conftest import Silver, at, minutes

VM = "/subscriptions/s-1/resourcegroups/rg-1/providers/microsoft.compute/virtualmachines/vm-1"
SITE = "/subscriptions/s-1/resourcegroups/rg-1/providers/microsoft.web/sites/shop"
EC2 = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1"
BUCKET = "arn:aws:s3:::photos"
TRAIL = {
    "resource_id": "aws:111122223333:eu-west-1:ec2.amazonaws.com", "source": "aws.cloudtrail", "cloud_provider": "aws",
    "cloud_account_id": "111122223333", "cloud_region": "eu-west-1", "outcome": "success",
}  # fmt: skip


def trail(action: str, asked: dict[str, Any], answered: dict[str, Any] | None = None, **row: Any) -> dict[str, Any]:
    attributes = {"requestParameters": json.dumps(asked), "responseElements": json.dumps(answered)}
    return TRAIL | {"action": action, "attributes": attributes} | row


def items(*entries: dict[str, str]) -> dict[str, Any]:
    return {"items": list(entries)}


def azure_write(action: str, body: dict[str, Any], resource: str = VM) -> dict[str, Any]:
    attributes = {"properties": json.dumps({"requestbody": json.dumps(body)})}
    return {
        "resource_id": resource, "source": "azure.activity_log", "action": action, "outcome": "success",
        "attributes": attributes,
    }  # fmt: skip


TAG_WRITE = f"{VM}/providers/microsoft.resources/tags/default"
OWNER = {"key": "owner", "value": "ann"}
# Name → table, row, and what it says: resource, whether that is a change, facts.
CASES: dict[str, tuple[str, dict[str, Any], list[tuple[str, bool, dict[str, str | None]]]]] = {
    "heartbeat": (
        "heartbeats",
        {"resource_id": VM, "host_name": "web", "os_type": "Linux", "os_name": "Ubuntu", "os_version": "22.04"},
        [(VM, False, {"host_name": "web", "os_type": "linux", "os_name": "Ubuntu", "os_version": "22.04"})],
    ),
    "heartbeat of a machine by its name": (
        "heartbeats",
        {"resource_id": "web", "host_name": "web", "attributes": {"SubscriptionId": "S-1", "ResourceGroup": "RG-1"}},
        [("web", False, {"cloud_provider": "azure", "cloud_account_id": "s-1", "resource_group": "rg-1"})],
    ),
    "platform metric": (
        "metrics",
        {"resource_id": SITE, "cloud_region": "West Europe", "host_name": "RD0001", "resource_type": "x/y"},
        [(SITE, False, {"cloud_region": "westeurope"})],
    ),
    "metric stream": (
        "metrics",
        {"resource_id": EC2, "cloud_account_id": "111122223333", "resource_type": "CWAgent", "host_name": "i-0a1"},
        [(EC2, False, {})],
    ),
    "otlp": (
        "metrics",
        {
            "resource_id": "pod-uid", "source": "otlp.metrics", "resource_type": "k8s.pod",
            "attributes": {"os.type": "linux", "k8s.cluster.name": "c", "k8s.pod.labels.app": "cart", "other": "x"},
        },
        [("pod-uid", False, {
            "resource_type": "k8s.pod", "os_type": "linux", "k8s_cluster_name": "c", "tags.app": "cart",
        })],
    ),
    "a service has no machine": (
        "logs",
        {
            "resource_id": "shop/cart", "source": "otlp.logs", "resource_type": "service", "host_name": "h1",
            "cloud_region": "eu-west-1", "cloud_provider": "aws", "attributes": {"os.type": "linux"},
        },
        [("shop/cart", False, {"resource_type": "service", "cloud_provider": "aws"})],
    ),
    "container insights": (
        "metrics",
        {
            "resource_id": "aws:::ContainerInsights:demo/shop/cart", "source": "aws.container_insights",
            "resource_type": "ContainerInsights/PodNet", "dimensions": {"ClusterName": "demo", "Namespace": "shop"},
            "attributes": {"kubernetes": '{"labels": {"app": "cart"}, "host": "h"}'},
        },
        [("aws:::ContainerInsights:demo/shop/cart", False, {
            "resource_type": "ContainerInsights/Pod", "k8s_cluster_name": "demo", "k8s_namespace_name": "shop",
            "tags.app": "cart",
        })],
    ),
    "state of a cluster": (
        "metrics",
        {"resource_id": "ksm:8080", "metric": "kube_pod_info", "host_name": "node-7"},
        [("ksm:8080", False, {})],
    ),
    "node exporter": (
        "metrics",
        {"resource_id": "10.0.0.7:9100", "metric": "node_load1", "host_name": "node-7"},
        [("10.0.0.7:9100", False, {"host_name": "node-7"})],
    ),
    "bill": (
        "costs",
        {
            "resource_id": "i-0a1", "source": "focus", "cloud_provider": "aws", "cloud_account_id": "111122223333",
            "cloud_region": "eu-west-1", "SubAccountName": "shop", "ResourceName": "cart", "Tags": {"owner": "ann"},
        },
        [
            ("i-0a1", False, {
                "cloud_provider": "aws", "cloud_account_id": "111122223333", "cloud_region": "eu-west-1",
                "cloud_account_name": "shop", "resource_name": "cart", "tags.owner": "ann",
            }),
            (EC2, False, {"cloud_account_name": "shop", "resource_name": "cart", "tags.owner": "ann"}),
        ],
    ),
    "the region of what is global is in the bill": (
        "costs",
        {"resource_id": BUCKET, "source": "focus", "cloud_region": "eu-west-1"},
        [(BUCKET, False, {"cloud_region": "eu-west-1"})],
    ),
    "and not in a call": ("events", TRAIL | {"resource_id": BUCKET, "action": "GetObject"}, [
        (BUCKET, False, {}),
    ]),
    "tags created": (
        "events",
        trail("CreateTags", {"resourcesSet": items({"resourceId": "i-0a1"}, {"resourceId": "vol-1"}),
                             "tagSet": items(OWNER)}),
        [
            (TRAIL["resource_id"], False, {}),
            (EC2, True, {"tags.owner": "ann"}),
            ("arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", True, {"tags.owner": "ann"}),
        ],
    ),
    "tags deleted": (
        "events",
        trail("DeleteTags", {"resourcesSet": items({"resourceId": "i-0a1"}), "tagSet": items({"key": "owner"})}),
        [(TRAIL["resource_id"], False, {}), (EC2, True, {"tags.owner": None})],
    ),
    "tags refused": (
        "events",
        trail("CreateTags", {"resourcesSet": items({"resourceId": "i-0a1"}), "tagSet": items(OWNER)},
              outcome="failure"),
        [(TRAIL["resource_id"], False, {})],
    ),
    "launched with tags": (
        "events",
        trail("RunInstances", {"tagSpecificationSet": items({"resourceType": "instance", "tags": [OWNER]})},  # type: ignore[dict-item]
              {"instancesSet": items({"instanceId": "i-0a1"})}, resource_id=EC2),
        [(EC2, False, {}), (EC2, True, {"tags.owner": "ann"})],
    ),
    "another service tags": (
        "events",
        trail("TagResource", {"resourceArn": BUCKET, "tags": {"owner": "ann"}}, resource_id=BUCKET),
        [(BUCKET, False, {}), (BUCKET, True, {"tags.owner": "ann"})],
    ),
    "and removes": (
        "events",
        trail("UntagResource", {"resourceArn": BUCKET, "tagKeys": ["owner"]}, resource_id=BUCKET),
        [(BUCKET, False, {}), (BUCKET, True, {"tags.owner": None})],
    ),
    "eventbridge tells of tags": (
        "events",
        {
            "resource_id": EC2, "source": "aws.eventbridge", "action": "Tag Change on Resource",
            "attributes": {"detail.tags": '{"env": "prod"}', "detail.changed-tag-keys": '["env", "owner"]'},
        },
        [(EC2, False, {}), (EC2, True, {"tags.env": "prod", "tags.owner": None})],
    ),
    "azure merges tags": (
        "events",
        azure_write("Microsoft.Resources/tags/write", {"operation": "Merge", "properties": {"tags": {"owner": "ann"}}},
                    TAG_WRITE),
        [(TAG_WRITE, False, {}), (VM, True, {"tags.owner": "ann"})],
    ),
    "azure deletes tags": (
        "events",
        azure_write(
            "Microsoft.Resources/tags/write", {"operation": "Delete", "properties": {"tags": {"owner": "ann"}}}
        ),
        [(VM, False, {}), (VM, True, {"tags.owner": None})],
    ),
    "azure writes a resource": (
        "events",
        azure_write("Microsoft.Compute/virtualMachines/write", {"location": "westeurope", "tags": {"owner": "ann"}}),
        [(VM, False, {}), (VM, False, {"tags.owner": "ann"})],
    ),
    "item of a machine": ("configuration_items", {"resource_id": VM, "host_name": "vm-1"}, [(VM, False, {})]),
    "change on a machine": ("config_changes", {"resource_id": VM, "host_name": "web"}, [
        (VM, False, {"host_name": "web"}),
    ]),
}  # fmt: skip
Stated = list[tuple[str, bool, dict[str, str | None]]]


@pytest.fixture(scope="module")
def said(silver: Silver) -> dict[str, Stated]:
    """Of all cases, a table's rows at once; the time tells the case."""
    found: dict[str, Stated] = {case: [] for case in CASES}
    for table in TOLD_BY:
        mine = [case for case, (of_table, _, _) in CASES.items() if of_table == table]
        rows = silver(table, *(CASES[case][1] | {"event_time": at(place)} for place, case in enumerate(mine)))
        for row in with_facts(statements_of(rows, table)).collect():
            case = mine[round(minutes(row["event_time"]) or 0)]
            facts = {entry["key"]: entry["value"] for entry in row["facts"]}
            found[case].append((row["resource_id"], row["is_change"], facts))
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_row_says_of_its_resource(case: str, said: dict[str, Stated]) -> None:
    assert said[case] == CASES[case][2]


def test_an_id_tells_what_is_in_it(spark: SparkSession) -> None:
    ids = {
        VM: ("azure", "s-1", "rg-1", None, "microsoft.compute/virtualmachines", "vm-1", "vm-1"),
        SITE: ("azure", "s-1", "rg-1", None, "microsoft.web/sites", "shop", None),
        "/subscriptions/s-1": ("azure", "s-1", None, None, None, "s-1", None),
        EC2: ("aws", "111122223333", None, "eu-west-1", "ec2:instance", "i-0a1", "i-0a1"),
        BUCKET: ("aws", None, None, None, "s3", "photos", None),
        "arn:aws:rds:eu-west-1:1:db:cart": ("aws", "1", None, "eu-west-1", "rds:db", "cart", None),
        "aws:1:eu-west-1:AWS/SQS:Queue=q": ("aws", "1", None, "eu-west-1", None, None, None),
        "k8s://demo/shop/pod/cart": (None, None, None, None, None, "cart", None),
        "10.0.0.7:9100": (None, None, None, None, None, "10.0.0.7:9100", "10.0.0.7"),
        "srv-1": (None, None, None, None, None, "srv-1", "srv-1"),
    }
    resource = F.col("id")
    frame = spark.createDataFrame([(one,) for one in ids], "id string").select(
        "id", *(column.alias(fact) for fact, column in constants(resource).items()), name(resource), host(resource)
    )

    assert {row[0]: tuple(row)[1:] for row in frame.collect()} == ids
