"""Whose values are compared: the same metric of the same kind of resource, under the same labels but the host's."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines.detection.peers.groups import is_comparable, peer_group

_COLUMNS = (
    "resource_id string, host_name string, resource_type string, namespace string, metric string, unit string, "
    "dimensions map<string,string>, attributes map<string,string>, interval_seconds int"
)


def row(**given: Any) -> dict[str, Any]:
    usual = {"resource_id": "a:9100", "host_name": "a", "namespace": "prometheus", "metric": "node_load1"}
    return {**dict.fromkeys(name.split()[0] for name in _COLUMNS.split(", ")), **usual, **given}


AZURE = "/subscriptions/1/resourcegroups/g/providers/microsoft.compute/virtualmachines/"
ARN = "arn:aws:ec2:eu-west-1:1:instance/"
ALIKE = {
    "the host's own label": (
        row(dimensions={"instance": "a:9100", "job": "node"}),
        row(resource_id="b:9100", host_name="b", dimensions={"job": "node", "instance": "b:9100"}),
    ),
    "a label that is the host's name in capitals": (
        row(dimensions={"node": "A"}),
        row(resource_id="b:9100", host_name="b"),
    ),
    "the last part of an ARN": (
        row(resource_id=f"{ARN}i-1", host_name=None, dimensions={"InstanceId": "i-1"}),
        row(resource_id=f"{ARN}i-2", host_name=None, dimensions={"InstanceId": "i-2"}),
    ),
    "the same disk": (
        row(resource_id=f"{AZURE}a", dimensions={"instance": "C:"}),
        row(resource_id=f"{AZURE}b", host_name="b", dimensions={"instance": "C:"}),
    ),
}
UNLIKE = {
    "another disk": (row(dimensions={"instance": "C:"}), row(dimensions={"instance": "D:"})),
    "another metric": (row(), row(metric="node_load5")),
    "another unit": (row(unit="%"), row(unit="By")),
    "another namespace": (row(), row(namespace="system")),
    "another kind of resource": (row(resource_type="host"), row(resource_type="pod")),
    "no kind, or no unit": (row(resource_type="x", unit=None), row(resource_type=None, unit="x")),
    "a port, where only ids and ARNs end with a name": (row(dimensions={"core": "9100"}), row()),
}
COMPARABLE = {
    "a gauge": (row(), True),
    "a counter": (row(metric="node_cpu_seconds_total"), False),
    "a bucket of a histogram": (row(metric="request_seconds_bucket"), False),
    "that name elsewhere": (row(namespace="system", metric="memory_total"), True),
    "a sum since the start": (row(namespace="otlp", attributes={"isMonotonic": "true"}), False),
    "a sum of the interval": (row(namespace="otlp", attributes={"isMonotonic": "true"}, interval_seconds=60), True),
    "a sum that falls too": (row(namespace="otlp", attributes={"isMonotonic": "false"}), True),
}


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[tuple[str, int], tuple[int, bool]]:
    """Group and comparability of all rows, in one job."""
    cases = [(case, place, each) for case, pair in (ALIKE | UNLIKE).items() for place, each in enumerate(pair)]
    cases += [(case, 0, each) for case, (each, _) in COMPARABLE.items()]
    frame = spark.createDataFrame(
        [{"case": case, "place": place, **each} for case, place, each in cases], f"case string, place int, {_COLUMNS}"
    )
    found = frame.select("case", "place", peer_group().alias("group"), is_comparable().alias("comparable")).collect()
    return {(one.case, one.place): (one.group, one.comparable) for one in found}


@pytest.mark.parametrize("case", ALIKE)
def test_siblings_differ_in_their_host_alone(judged: dict[tuple[str, int], tuple[int, bool]], case: str) -> None:
    assert judged[case, 0][0] == judged[case, 1][0]


@pytest.mark.parametrize("case", UNLIKE)
def test_all_else_makes_another_group(judged: dict[tuple[str, int], tuple[int, bool]], case: str) -> None:
    assert judged[case, 0][0] != judged[case, 1][0]


@pytest.mark.parametrize("case", COMPARABLE)
def test_what_counts_up_for_ever_is_not_compared(judged: dict[tuple[str, int], tuple[int, bool]], case: str) -> None:
    assert judged[case, 0][1] is COMPARABLE[case][1]
