"""Whether a reader with one Avro schema can read what was written with another, told from the schemas alone.

After the chapter "Schema Resolution" of the Avro specification: what a registry checks under BACKWARD compatibility,
for where there is none. One thing more: a logical type may not change, as microseconds read as milliseconds are no
error to Avro.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from fastavro.schema import SchemaParseException, parse_schema

from pipelines.errors import ContractError
from pipelines.operations.avro_contracts import AvroContract

_PROMOTED = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
_NAMED = ("record", "enum", "fixed")


@dataclass(frozen=True)
class _Names:
    """The named types of writer and reader, and the pairs that are being compared: a type may hold itself."""

    writer: Mapping[str, Any]
    reader: Mapping[str, Any]
    open: frozenset[tuple[str, str]] = frozenset()


def check(contracts: tuple[AvroContract, ...]) -> None:
    """Raises ContractError with all that is wrong if a version cannot read what the one before it wrote."""
    wrong = [
        f"{new.path.name} cannot read what {old.path.name} wrote: {difference}"
        for old, new in pairwise(contracts)
        if old.topic == new.topic
        for difference in differences(old.schema, new.schema)
    ]
    if wrong:
        raise ContractError(
            f"{'; '.join(wrong)}. Give an added field a default, and change no type; else use a new topic"
        )


def differences(writer: str, reader: str) -> tuple[str, ...]:
    """What keeps `reader` from reading what `writer` wrote, a sentence each; both are Avro JSON."""
    written, read = _parsed(writer), _parsed(reader)
    names = _Names(dict(_named(written)), dict(_named(read)))
    return tuple(_between(written, read, "the record", names))


def _parsed(schema: str) -> Any:
    try:
        return parse_schema(json.loads(schema))
    except SchemaParseException as error:
        raise ContractError(f"no Avro schema: {error}") from error


def _between(writer: Any, reader: Any, place: str, names: _Names) -> Iterator[str]:
    writer = names.writer.get(writer, writer) if isinstance(writer, str) else writer
    reader = names.reader.get(reader, reader) if isinstance(reader, str) else reader
    if isinstance(writer, list):
        for branch in writer:
            yield from _between(branch, reader, place, names)
    elif isinstance(reader, list):
        if all(tuple(_between(writer, branch, place, names)) for branch in reader):
            yield f"{place} may be {_kind(writer)}, which is none of {_kind(reader)}"
    elif _base(writer) in _NAMED and _base(writer) == _base(reader):
        yield from _same_name(writer, reader, place, names)
    elif _base(writer) == _base(reader) == "array":
        yield from _between(writer["items"], reader["items"], f"an element of {place}", names)
    elif _base(writer) == _base(reader) == "map":
        yield from _between(writer["values"], reader["values"], f"a value of {place}", names)
    else:
        promoted = _base(reader) in (_base(writer), *_PROMOTED.get(_base(writer), ()))
        if not promoted or _logical(writer) != _logical(reader):
            yield f"{place} is {_kind(reader)}, was {_kind(writer)}"


def _same_name(writer: Any, reader: Any, place: str, names: _Names) -> Iterator[str]:
    pair = (writer["name"], reader["name"])
    if pair in names.open:
        return
    if writer["name"] not in (reader["name"], *reader.get("aliases", ())):
        yield f"{place} is {reader['name']}, was {writer['name']}"
    elif writer["type"] == "enum":
        lost = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
        if lost and "default" not in reader:
            yield f"{place} lacks {', '.join(lost)}, and has no default"
    elif writer["type"] == "fixed":
        if writer["size"] != reader["size"]:
            yield f"{place} has {reader['size']} bytes, had {writer['size']}"
    else:
        yield from _fields(writer, reader, replace(names, open=names.open | {pair}))


def _fields(writer: Any, reader: Any, names: _Names) -> Iterator[str]:
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        known_as = (field["name"], *field.get("aliases", ()))
        old = next((written[name] for name in known_as if name in written), None)
        if old is not None:
            yield from _between(old["type"], field["type"], f"field {field['name']}", names)
        elif "default" not in field:
            yield f"field {field['name']} is new and has no default"


def _named(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every named type within a parsed schema, by its full name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _named(branch)
    elif isinstance(schema, dict):
        if schema["type"] in _NAMED:
            yield schema["name"], schema
        fields = [field["type"] for field in schema.get("fields", ())]
        for part in (schema.get("items"), schema.get("values"), *fields):
            yield from _named(part)


def _base(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _logical(schema: Any) -> str | None:
    return schema.get("logicalType") if isinstance(schema, dict) else None


def _kind(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(map(_kind, schema))
    if isinstance(schema, dict) and schema["type"] in _NAMED:
        return str(schema["name"])
    return _logical(schema) or _base(schema)
