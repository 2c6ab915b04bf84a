"""Azure platform metrics: letter case, time grain, dimensions and partial statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

VAULT = "/subscriptions/s1/resourcegroups/g/providers/microsoft.keyvault/vaults/v"


def metric(**changes: Any) -> dict[str, Any]:
    return {
        "count": 4, "total": 2.0, "minimum": 0.25, "maximum": 1, "average": 0.5, "resourceId": VAULT.upper(),
        "time": "2026-03-02T09:03:00.0000000Z", "metricName": "ServiceApiLatency", "timeGrain": "PT1M", **changes,
    }  # fmt: skip


def capitalized(**changes: Any) -> dict[str, Any]:
    return {
        "Average": 3, "Count": "2", "Maximum": 4, "Minimum": 2, "Total": 6, "ResourceId": VAULT + "/",
        "time": "3/2/2026 9:05:00 AM +00:00", "unit": "Count", "MetricName": "Hits", "timeGrain": "PT5M",
        "dimension": {"ActivityType": "key", "StatusCode": None}, "PartitionId": 0, **changes,
    }  # fmt: skip


def test_both_letter_cases_in_one_array(decode: Decode) -> None:
    [[small, capital]] = decode([metric(), capitalized()])

    assert (small.table, small.source, small.namespace) == (
        "metrics", "azure.platform_metrics", "microsoft.keyvault/vaults",
    )  # fmt: skip
    assert (small.value, small.minimum, small.maximum, small.total, small.sample_count) == (0.5, 0.25, 1.0, 2.0, 4.0)
    assert (capital.value, capital.minimum, capital.maximum, capital.total, capital.sample_count) == (3, 2, 4, 6, 2)
    assert (small.metric, small.interval_seconds, small.unit, small.dimensions) == ("ServiceApiLatency", 60, None, None)
    assert (capital.metric, capital.interval_seconds, capital.unit) == ("Hits", 300, "Count")
    assert capital.dimensions == {"ActivityType": "key", "StatusCode": None}
    assert (small.resource_id, capital.resource_id, small.cloud_account_id) == (VAULT, VAULT, "s1")
    assert (small.event_time, capital.event_time) == (datetime(2026, 3, 2, 9, 3), datetime(2026, 3, 2, 9, 5))
    assert (small.attributes, capital.attributes) == (None, {"PartitionId": "0"})


def test_variants_and_bad_ones(decode: Decode) -> None:
    table_row = {
        "Type": "AzureMetrics", "TimeGenerated": "2026-03-02T09:03:00Z", "ResourceId": VAULT, "MetricName": "m",
        "Total": 6, "Count": 2, "UnitName": "Bytes", "TimeGrain": "PT1H", "_ItemId": "i", "TenantId": "workspace",
    }  # fmt: skip
    good = [
        metric(Count=4, Average=9),
        {"total": 3, "count": 2, "resourceId": VAULT, "time": 1772442180000, "metricName": "m"},
        {"maximum": 7, "resourceId": VAULT, "time": "2026-03-02 09:03", "metricName": "m", "timeGrain": "00:05:00"},
        table_row,
        metric(dimensions=[{"name": "a", "value": "1"}, {"Name": "b", "Value": 2}], timeGrain="P1D"),
        metric(dimensions='{"a":"1"}', timeGrain="sometimes"),
        metric(resourceId="/providers/microsoft.billing/x"),
    ]
    bad = [
        metric(average="much"),
        metric(total=True),
        metric(maximum="1e400"),
        {"resourceId": VAULT, "time": "2026-03-02T09:03:00Z", "metricName": "m", "timeGrain": "PT1M"},
        metric(resourceId=""),
        metric(time="yesterday"),
        metric(time=None),
        metric(dimensions="a=1"),
        metric(dimensions=[{"name": "a", "value": 1}, {"name": "a", "value": 2}]),
    ]

    [found] = decode({"records": [*good, *bad]})

    taken = [one for one in found if one.table == "metrics"]
    assert [one.value for one in taken] == [0.5, 1.5, 7.0, 3.0, 0.5, 0.5, 0.5]
    assert [one.interval_seconds for one in taken] == [60, None, 300, 3600, 86400, None, 60]
    assert [one.dimensions for one in taken][4:6] == [{"a": "1", "b": "2"}, {"a": "1"}]
    assert (taken[0].attributes, taken[5].attributes) == ({"Average": "9"}, {"timeGrain": "sometimes"})
    assert (taken[3].source, taken[3].native_id, taken[3].attributes) == (
        "azure.log_analytics.azuremetrics", "i", {"TenantId": "workspace"},
    )  # fmt: skip
    assert taken[3].unit == "Bytes"
    assert taken[6].namespace == "microsoft.billing/x"
    assert [one.reason for one in found if one.table == "quarantine"] == [
        "bad_value", "bad_value", "bad_value", "no_value", "no_resource", "bad_time", "bad_time", "bad_dimensions",
        "bad_dimensions",
    ]  # fmt: skip


numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(averages=st.lists(numbers, min_size=30, max_size=60))
def test_any_average_arrives(decode: Decode, averages: list[float]) -> None:
    [found] = decode([metric(average=average) for average in averages])

    assert [one.value for one in found] == pytest.approx(averages)
