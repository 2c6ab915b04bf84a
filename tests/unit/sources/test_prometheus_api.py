"""Answers of Prometheus' query API and remote write as JSON: a row a sample."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

LABELS = {"__name__": "up", "job": "node", "instance": "10.0.0.1:9100"}


def answer(kind: str, *result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": list(result)}}


def test_samples_of_each_form(decode: Decode) -> None:
    named = [{"name": name, "value": value} for name, value in LABELS.items()]

    [[one]], [many], [[written]] = (
        decode(answer("vector", {"metric": LABELS, "value": [1772366400.5, "1"]})),
        decode(answer("matrix", {"metric": LABELS, "values": [[1772366400, "1"], [1772366415.781, "NaN"], [1, "x"]]},
                      {"metric": LABELS, "values": []})),
        decode({"timeseries": [{"labels": named, "samples": [{"value": 1.5, "timestamp": "1772366400500"}]}]}),
    )  # fmt: skip

    at = datetime(2026, 3, 1, 12, 0, 0, 500000)
    assert (one.source, one.event_time, one.value, one.metric) == ("prometheus.api", at, 1, "up")
    assert (one.resource_id, one.host_name, one.namespace) == ("10.0.0.1:9100", "10.0.0.1", "prometheus")
    assert one.dimensions == {"job": "node", "instance": "10.0.0.1:9100"}
    assert [sample.reason for sample in many] == [None, None, "bad_value", "no_data_points"]
    assert math.isnan(many[1].value)
    assert (written.event_time, written.value, written.dimensions) == (at, 1.5, one.dimensions)


def test_an_answer_without_series(decode: Decode) -> None:
    [[empty], [scalar]] = decode(answer("vector"), answer("scalar", 1772366400, "1"))

    assert (empty.reason, scalar.reason) == ("no_data_points", "unknown_envelope")


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.floats(), min_size=30, max_size=60))
def test_any_number_arrives_as_it_was_measured(decode: Decode, several: list[float]) -> None:
    [found] = decode(answer("matrix", {"metric": LABELS, "values": [[1772366400, repr(value)] for value in several]}))

    assert [repr(one.value) for one in found] == [repr(value) for value in several]
