"""Log Analytics export, table InsightsMetrics: its labels are JSON in a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

MACHINE = "/subscriptions/s1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/Db-1"


def insight(**changes: Any) -> dict[str, Any]:
    return {
        "Type": "InsightsMetrics", "TimeGenerated": "2026-03-02T10:15:23.0000000Z", "Computer": "Db-1", "_ItemId": "i",
        "_ResourceId": MACHINE, "Origin": "vm.azm.ms", "Namespace": "LogicalDisk", "Name": "FreeSpacePercentage",
        "Val": 81.02, "Tags": '{"vm.azm.ms/mountId":"C:","size":10.5}', **changes,
    }  # fmt: skip


def test_what_becomes_of_a_row_and_of_bad_ones(decode: Decode) -> None:
    rows = [
        insight(),
        insight(Tags={"mount": "D:", "none": None}, Val="7"),
        insight(Tags="{}", Name="AvailableMB"),
        insight(Tags=None, Val=0),
        insight(Val="much"),
        insight(Val=None),
        insight(Tags="mount=C"),
        insight(Name=""),
        insight(TimeGenerated="2026"),
        insight(Val="1e999"),
    ]

    [found] = decode({"records": rows}, topic="am-InsightsMetrics")

    first, second, third, fourth = (one for one in found if one.table == "metrics")
    assert (first.source, first.namespace, first.metric) == (
        "azure.log_analytics.insightsmetrics", "LogicalDisk", "FreeSpacePercentage",
    )  # fmt: skip
    assert (first.value, first.unit, first.host_name, first.resource_id) == (81.02, "%", "db-1", MACHINE.lower())
    assert first.dimensions == {"vm.azm.ms/mountId": "C:", "size": "10.5"}
    assert first.attributes == {"Origin": "vm.azm.ms"}
    assert (second.value, second.dimensions) == (7.0, {"mount": "D:"})
    assert (third.unit, third.dimensions) == ("MBy", None)
    assert (fourth.value, fourth.dimensions) == (0.0, None)
    assert [one.reason for one in found if one.table == "quarantine"] == [
        "bad_value", "no_value", "bad_dimensions", "no_metric", "bad_time", "bad_value",
    ]  # fmt: skip


finite = st.floats(allow_nan=False, allow_infinity=False)
tags = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), st.text(max_size=8), max_size=3)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(points=st.lists(st.tuples(finite, tags), min_size=30, max_size=60))
def test_any_number_and_any_labels_arrive(decode: Decode, points: list[tuple[float, dict[str, str]]]) -> None:
    rows = [insight(Val=value, Tags=json.dumps(labels)) for value, labels in points]

    [found] = decode({"records": rows})

    assert [one.value for one in found] == pytest.approx([value for value, _ in points])
    assert [one.dimensions or {} for one in found] == [labels for _, labels in points]
