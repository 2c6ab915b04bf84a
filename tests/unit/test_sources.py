"""Decoding, as a contract that holds for any input: nothing is lost, whatever the envelope, and nothing stops it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from pipelines.sources.decode import IGNORED_REASONS, decode

ARRIVAL = datetime(2026, 3, 1, 12, tzinfo=UTC)
BRONZE = (
    "topic string, partition int, offset long, kafka_timestamp timestamp, ingest_time timestamp, value binary, "
    "headers array<struct<key: string, value: binary>>"
)
Record = dict[str, Any]

names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
# Not -0.0, which is the same measurement as 0.0.
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: number + 0.0)
seconds = st.integers(0, 2_000_000_000)


def iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


perf_rows = st.builds(
    lambda counter, value, second, host: {
        "Type": "Perf", "TimeGenerated": iso(second), "Computer": host, "ObjectName": "Processor",
        "CounterName": counter, "InstanceName": "_Total", "CounterValue": value,
    },
    names, numbers, seconds, names,
)  # fmt: skip
stream_records = st.builds(
    lambda metric, value, second, name: {
        "metric_stream_name": "s", "account_id": "1", "region": "eu-west-1", "namespace": "AWS/EC2",
        "metric_name": metric, "dimensions": {"InstanceId": name}, "timestamp": second * 1000,
        "value": {"count": 1.0, "sum": value, "max": value, "min": value}, "unit": "Percent",
    },
    names, numbers, seconds, names,
)  # fmt: skip
samples = st.builds(
    lambda metric, value, second, labels: {
        "labels": {"__name__": metric, "instance": "a:9100", **labels}, "name": metric, "timestamp": iso(second),
        "value": repr(value),
    },
    names, numbers, seconds, st.dictionaries(names, names, max_size=3),
)  # fmt: skip
records = st.one_of(perf_rows, stream_records, samples)
batches = st.one_of(*(st.lists(kind, min_size=1, max_size=4) for kind in (perf_rows, stream_records, samples, records)))

Envelope = Callable[[Sequence[Record]], str]
ENVELOPES: dict[str, Envelope] = {
    "export": lambda batch: json.dumps({"records": batch}),
    "spaced export": lambda batch: "\n " + json.dumps({"records": batch}, indent=2) + "\r\n",
    "array": json.dumps,
    "lines": lambda batch: "\n".join(map(json.dumps, batch)) + "\n",
    "lines of Windows": lambda batch: "\r\n".join(map(json.dumps, batch)),
    "pretty objects": lambda batch: "\n".join(json.dumps(record, indent=1) for record in batch),
    "objects without a break": lambda batch: "".join(map(json.dumps, batch)),
}


def expected(record: Record) -> tuple[str, float, int]:
    """Metric, value and second of a good record, by plain Python."""
    if "labels" in record:
        return record["name"], float(record["value"]), second_of(record["timestamp"])
    if "metric_name" in record:
        return record["metric_name"], record["value"]["sum"], record["timestamp"] // 1000
    return record["CounterName"], record["CounterValue"], second_of(record["TimeGenerated"])


def second_of(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def found(row: Row) -> tuple[str, float, int]:
    return row.metric, row.value, int(row.event_time.timestamp())


@pytest.fixture(scope="module")
def decoded(spark: SparkSession) -> Callable[[Sequence[bytes | str | None]], list[list[Row]]]:
    """The rows of each value, in the order of their items."""

    def run(values: Sequence[bytes | str | None]) -> list[list[Row]]:
        rows = [
            ("am-Perf", 0, offset, ARRIVAL, ARRIVAL, value.encode() if isinstance(value, str) else value, None)
            for offset, value in enumerate(values)
        ]
        found: list[list[Row]] = [[] for _ in values]
        for row in sorted(decode(spark.createDataFrame(rows, BRONZE)).collect(), key=lambda row: row.item):
            found[row.offset].append(row)
        return found

    return run


# An example is many values, as Spark costs the same for one.
some_batches = st.lists(batches, min_size=20, max_size=40)
once = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.mark.parametrize("envelope", ENVELOPES)
@once
@given(some=some_batches)
def test_every_record_of_any_envelope_is_found_as_it_was_written(decoded: Any, envelope: str, some: Any) -> None:
    for batch, rows in zip(some, decoded([ENVELOPES[envelope](batch) for batch in some]), strict=True):
        assert [row.reason for row in rows] == [None] * len(batch)
        for row, record in zip(rows, batch, strict=True):
            (metric, value, second), (wanted, number, when) = found(row), expected(record)
            assert (metric, second) == (wanted, when)
            assert math.isclose(value, number, rel_tol=1e-12)


@once
@given(some=some_batches)
def test_identity_is_in_the_record_and_not_in_how_it_came(decoded: Any, some: Any) -> None:
    turned = [[dict(reversed(record.items())) for record in batch] for batch in some]
    forms = [decoded([form(batch) for batch in side])
             for form, side in ((ENVELOPES["export"], some), (ENVELOPES["lines"], turned))]  # fmt: skip
    for one, other in zip(*forms, strict=True):
        assert [(row.event_id, row.series_id) for row in one] == [(row.event_id, row.series_id) for row in other]


@once
@given(some=st.lists(st.tuples(batches, records), min_size=20, max_size=40))
def test_records_that_differ_have_different_ids(decoded: Any, some: Any) -> None:
    for (batch, other), rows in zip(some, decoded([ENVELOPES["array"]([*b, o]) for b, o in some]), strict=True):
        ids = {
            json.dumps(record, sort_keys=True): row.event_id for record, row in zip([*batch, other], rows, strict=True)
        }
        assert len(set(ids.values())) == len(ids)


@once
@given(some=some_batches, at=st.integers(0, 3))
def test_a_bad_record_goes_alone(decoded: Any, some: Any, at: int) -> None:
    mixed = [[*batch[:at], "no record", *batch[at:]] for batch in some]
    for batch, rows in zip(some, decoded([ENVELOPES["export"](batch) for batch in mixed]), strict=True):
        reasons = [row.reason for row in rows]
        assert reasons.count("wrong_shape") == 1
        assert [found(row)[0] for row in rows if row.reason is None] == [expected(record)[0] for record in batch]


def cut(text: str, start: float, length: float) -> bytes:
    """The text as bytes with some of them missing."""
    data = text.encode()
    begin = int(start * len(data))
    return data[:begin] + data[begin + 1 + int(length * 20) :]


fractions = st.floats(0, 1)
damaged = st.builds(
    lambda batch, form, start, length: cut(ENVELOPES[form](batch), start, length),
    batches, st.sampled_from(sorted(ENVELOPES)), fractions, fractions,
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        names | st.sampled_from(["records", "labels", "value", "timestamp", "TimeGenerated", "CounterName"]),
        inner, max_size=4,
    ),
    max_leaves=8,
).map(json.dumps)  # fmt: skip


@once
@given(values=st.lists(st.none() | st.binary(max_size=60) | names | damaged | json_values, min_size=60, max_size=120))
def test_any_value_becomes_items_each_decoded_or_with_a_reason(decoded: Any, values: Any) -> None:
    for value, rows in zip(values, decoded(values), strict=True):
        assert rows, f"lost: {value!r}"
        assert [row.item for row in rows] == list(range(len(rows)))
        for row in rows:
            is_other = row.record is not None or row.payload is not None
            assert is_other or row.reason is not None or row.table in ("metrics", "heartbeats")
            assert row.reason not in IGNORED_REASONS or len(rows) == 1
