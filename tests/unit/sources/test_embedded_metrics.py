"""CloudWatch embedded metric format: the declared metrics of a log document, single numbers and lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found


def document(**changes: Any) -> dict[str, Any]:
    return {
        "_aws": {
            "Timestamp": 1772446530123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "shop", "Dimensions": [["function"], ["function", "stage"]],
                    "Metrics": [{"Name": "time", "Unit": "Milliseconds"}, {"Name": "sizes", "StorageResolution": 60}],
                }
            ],
        },
        "function": "pay", "stage": "prod", "request": "r-1", "retries": 2, "time": 100.5, "sizes": [1, 2, 6],
        **changes,
    }  # fmt: skip


def declaring(directives: Any) -> dict[str, Any]:
    return {"_aws": {"Timestamp": 1772446530123, "CloudWatchMetrics": directives}, "a": 1}


VALUES: dict[str, Any] = {
    "good": document(),
    "statistics": document(sizes={"Min": 1, "Max": 5, "Sum": 12.0, "Count": 4}),
    "bad": document(time="slow", sizes=[1, "two"]),
    "missing": document(sizes=None),
    "no metrics": declaring([]),
    "no list": declaring("none"),
    "no dimensions": declaring([{"Namespace": "n", "Metrics": [{"Name": "a"}]}]),
}


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_what_is_declared_is_a_metric(found: dict[str, list[Found]]) -> None:
    time, sizes = found["good"]

    assert (time.table, time.namespace, time.metric, time.value, time.unit) == (
        "metrics", "shop", "time", 100.5, "Milliseconds",
    )  # fmt: skip
    assert (time.minimum, time.maximum, time.total, time.sample_count) == (None, None, None, None)
    assert (sizes.value, sizes.minimum, sizes.maximum, sizes.total, sizes.sample_count) == (3.0, 1.0, 6.0, 9.0, 3.0)
    assert time.event_time == datetime(2026, 3, 2, 10, 15, 30, 123000)
    assert time.dimensions == {"function": "pay", "stage": "prod"}
    assert time.resource_id == "aws:::shop:function=pay,stage=prod"
    assert time.attributes == {"request": "r-1", "retries": "2"}


def test_statistics_instead_of_samples(found: dict[str, list[Found]]) -> None:
    sizes = found["statistics"][1]

    assert (sizes.value, sizes.minimum, sizes.maximum, sizes.total, sizes.sample_count) == (3.0, 1.0, 5.0, 12.0, 4.0)


def test_what_cannot_be_used(found: dict[str, list[Found]]) -> None:
    assert [one.reason for one in found["bad"]] == ["bad_value", "bad_value"]
    assert [one.reason for one in found["missing"]] == [None, "no_value"]
    assert [(one.table, one.reason) for one in found["no metrics"]] == [("ignored", "no_data_points")]
    assert [(one.table, one.reason) for one in found["no list"]] == [("quarantine", "wrong_shape")]
    assert [(one.resource_id, one.dimensions) for one in found["no dimensions"]] == [("aws:::n", None)]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists=st.lists(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), min_size=30, max_size=40))
def test_a_list_is_summed_up(decode: Decode, lists: list[list[float]]) -> None:
    rows = decode(*(document(sizes=samples, request=str(number)) for number, samples in enumerate(lists)))

    for (_, sizes), samples in zip(rows, lists, strict=True):
        assert (sizes.minimum, sizes.maximum, sizes.sample_count) == (min(samples), max(samples), len(samples))
        assert sizes.total == pytest.approx(sum(samples), abs=1e-3)
