"""Our own Avro topics: read with the schema each record names, whichever way it names it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from pipelines.settings import SCHEMAS_DIR
from tests.unit.sources.conftest import Decode

METRIC = json.loads((SCHEMAS_DIR / "avro" / "telemetry.metrics.v1.avsc").read_text())
LOG = json.loads((SCHEMAS_DIR / "avro" / "telemetry.logs.v1.avsc").read_text())
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GUID = bytes(range(16))


def with_field(schema: dict[str, Any], **field: Any) -> dict[str, Any]:
    return {**schema, "fields": [*schema["fields"], field]}


# A metric with fields that were added later; with a value that became text; and a record of something else.
GROWN = with_field(
    with_field(METRIC, name="rack", type=["null", "string"], default=None), name="slot", type="int", default=0
)
CHANGED = {
    **METRIC,
    "fields": [{**field, "type": "string"} if field["name"] == "value" else field for field in METRIC["fields"]],
}
STRANGE = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}
REGISTERED = {
    (1).to_bytes(4, "big"): METRIC,
    (2).to_bytes(4, "big"): GROWN,
    (3).to_bytes(4, "big"): CHANGED,
    (4).to_bytes(4, "big"): STRANGE,
    (5).to_bytes(4, "big"): LOG,
    GUID: METRIC,
}


class Registered:
    def schema(self, identity: bytes) -> str | None:
        known = REGISTERED.get(identity)
        return None if known is None else json.dumps(known)


def metric(**changes: Any) -> dict[str, Any]:
    return {
        "event_time": NOON, "resource_id": "h-1", "namespace": "host", "metric": "load", "value": 1.5,
        "dimensions": {"cpu": "0"}, "attributes": {"a": "b"}, "host_name": "h-1", **changes,
    }  # fmt: skip


def body(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, record)
    return buffer.getvalue()


def framed(number: int, record: dict[str, Any]) -> bytes:
    return b"\x00" + number.to_bytes(4, "big") + body(REGISTERED[number.to_bytes(4, "big")], record)


@pytest.fixture(scope="module")
def found(decode: Decode, spark: SparkSession) -> dict[str, Any]:
    values = {
        "metric": framed(1, metric()),
        "log": framed(5, {"event_time": NOON, "resource_id": "h", "message": "up", "attributes": {}}),
        "grown": framed(2, metric(rack="r7", slot=3)),
        "changed": framed(3, metric(value="1.5")),
        "strange": framed(4, {"id": 7}),
        "unknown": b"\x00\x00\x00\x00\x63" + body(METRIC, metric()),
        "cut": framed(1, metric())[:20],
        "frame only": b"\x00\x00\x00\x00\x01",
        "no resource": framed(1, metric(resource_id="")),
        "guid": (body(METRIC, metric(metric="guid")), [("__value_schema_id", b"\x01" + GUID)]),
        "other header": (
            '{"labels":{"instance":"a"},"name":"m","timestamp":"2026-03-02T12:00:00Z","value":"1"}',
            [("h", b"x")],
        ),
    }
    rows = decode(*values.values(), topic="telemetry.metrics", schemas=Registered())
    return dict(zip(values, rows, strict=True))


def test_a_metric_becomes_a_row_by_the_names_of_its_fields(found: dict[str, Any]) -> None:
    [row] = found["metric"]

    assert (row.table, row.source, row.metric, row.value) == ("metrics", "telemetry.metrics", "load", 1.5)
    assert (row.resource_id, row.host_name, row.dimensions, row.attributes) == ("h-1", "h-1", {"cpu": "0"}, {"a": "b"})
    assert row.event_time.timestamp() == NOON.timestamp()
    assert row.series_id is not None


def test_the_name_of_the_schema_tells_the_table(found: dict[str, Any]) -> None:
    [row] = found["log"]

    assert (row.table, row.message) == ("logs", "up")


def test_a_schema_may_be_named_by_guid_in_a_header(found: dict[str, Any]) -> None:
    [row] = found["guid"]

    assert (row.table, row.metric) == ("metrics", "guid")
    assert [row.table for row in found["other header"]] == ["metrics"]


def test_fields_that_were_added_are_there_at_once(found: dict[str, Any]) -> None:
    [row] = found["grown"]

    assert (row.table, row.attributes) == ("metrics", {"a": "b", "rack": "r7", "slot": "3"})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("changed", "wrong_type"),
        ("strange", "unknown_schema"),
        ("unknown", "unknown_schema"),
        ("cut", "malformed_avro"),
        ("frame only", "malformed_avro"),
        ("no resource", "no_resource"),
    ],
)
def test_what_cannot_be_used_is_quarantined_with_its_bytes(found: dict[str, Any], name: str, reason: str) -> None:
    [row] = found[name]

    assert (row.table, row.reason) == ("quarantine", reason)
    assert row.raw


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
metrics = st.builds(
    lambda name, value, labels: metric(metric=name, value=value, dimensions=labels),
    texts, st.floats(allow_nan=False, allow_infinity=False), st.dictionaries(texts, texts, max_size=3),
)  # fmt: skip


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(metrics, min_size=30, max_size=60))
def test_any_record_arrives_as_it_was_written(decode: Decode, sent: list[dict[str, Any]]) -> None:
    rows = decode(*(framed(1, record) for record in sent), schemas=Registered())

    assert [(row.metric, row.value, row.dimensions) for [row] in rows] == [
        (record["metric"], record["value"], record["dimensions"]) for record in sent
    ]
