"""The contracts of our Avro topics: complete, in order, and each version reads what the one before it wrote."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many

from pipelines.errors import ContractError
from pipelines.operations.avro_compatibility import check, differences
from pipelines.operations.avro_contracts import AvroContract, avro_contracts
from pipelines.schema_registry import guids_of

TIME = {"type": "long", "logicalType": "timestamp-micros"}
FIELDS: list[dict[str, Any]] = [
    {"name": "time", "type": TIME},
    {"name": "count", "type": "int"},
    {"name": "label", "type": ["null", "string"], "default": None},
    {"name": "tags", "type": {"type": "map", "values": "string"}},
    {"name": "states", "type": {"type": "array", "items": {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}}},
    {"name": "inner", "type": ["null", "R"], "default": None},
]


def record(*fields: dict[str, Any], name: str = "R") -> str:
    return json.dumps({"type": "record", "name": name, "fields": list(fields)})


def changed(which: str, /, **changes: Any) -> str:
    return record(*({**field, **changes} if field["name"] == which else field for field in FIELDS))


OLD = record(*FIELDS)
STATES = {"type": "enum", "name": "State", "symbols": ["ON"]}
COMPATIBLE = {
    "nothing": OLD,
    "a field with a default": record(*FIELDS, {"name": "rack", "type": ["null", "string"], "default": None}),
    "a field less": record(*FIELDS[1:]),
    "a wider number": changed("count", type="long"),
    "one that may be missing": changed("count", type=["null", "double"]),
    "another name": changed("count", name="number", aliases=["count"]),
    "a symbol more": changed("states", type={"type": "array", "items": {**STATES, "symbols": ["ON", "OFF", "IDLE"]}}),
    "a symbol less, with a default": changed("states", type={"type": "array", "items": {**STATES, "default": "ON"}}),
}
INCOMPATIBLE = {
    "a field without a default": (record(*FIELDS, {"name": "rack", "type": "string"}), "field rack is new"),
    "another type": (changed("count", type="string"), "field count is string, was int"),
    "a narrower number": (changed("time", type="int"), "field time is int, was timestamp-micros"),
    "another unit of time": (
        changed("time", type={"type": "long", "logicalType": "timestamp-millis"}),
        "field time is timestamp-millis, was timestamp-micros",
    ),
    "one that may no longer be missing": (
        changed("label", type="string", default=""),
        "field label is string, was null",
    ),
    "another value of a map": (changed("tags", type={"type": "map", "values": "int"}), "a value of field tags is int"),
    "a symbol less": (changed("states", type={"type": "array", "items": STATES}), "lacks OFF"),
    "another record": (record(*FIELDS[:5], name="Q"), "the record is Q, was R"),
}


@pytest.mark.parametrize("case", COMPATIBLE)
def test_what_is_compatible_reads_all_that_was_written(case: str) -> None:
    new = COMPATIBLE[case]

    assert differences(OLD, new) == ()
    writer, reader = fastavro.parse_schema(json.loads(OLD)), fastavro.parse_schema(json.loads(new))
    for sent in generate_many(writer, 20):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, sent)
        buffer.seek(0)
        fastavro.schemaless_reader(buffer, writer, reader)


@pytest.mark.parametrize("case", INCOMPATIBLE)
def test_what_is_not_is_said(case: str) -> None:
    new, message = INCOMPATIBLE[case]

    assert any(message in difference for difference in differences(OLD, new))


def test_all_that_is_wrong_is_said_at_once() -> None:
    new = record({**FIELDS[1], "type": "string"}, {"name": "rack", "type": "string"})
    contracts = (AvroContract("t", 1, Path("t.v1.avsc"), OLD), AvroContract("t", 2, Path("t.v2.avsc"), new))

    with pytest.raises(ContractError, match=r"t\.v2\.avsc cannot read what t\.v1\.avsc wrote: .*count.*rack"):
        check(contracts)
    check((contracts[0], replace(contracts[1], topic="u")))


def test_ours_are_compatible_and_one_has_evolved() -> None:
    contracts = avro_contracts()

    check(contracts)
    assert any(old.topic == new.topic for old, new in pairwise(contracts))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.v2.avsc", OLD, "versions"),
        ("t.avsc", OLD, "should be named"),
        ("t.v1.avsc", "{", "no Avro schema"),
        ("t.v1.avsc", record({"name": "a", "type": "nonsense"}), "no Avro schema"),
    ],
)
def test_a_contract_that_is_none_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "avro").mkdir()
    (tmp_path / "avro" / name).write_text(text)

    with pytest.raises(ContractError, match=message):
        avro_contracts(tmp_path)


def test_a_guid_is_that_of_confluents_registry() -> None:
    """Known from its own tests; blanks between members do not count, as it does not keep them."""
    text = '{"type":"record","name":"myrecord","fields":[{"type":"string","default":null,"name":"f"}]}'

    [guid] = guids_of(text)
    assert guid.hex() == "1d20cbb9e5e35e9754e7da170b6e5ddb"
    assert guid in guids_of(json.dumps(json.loads(text), indent=2))
