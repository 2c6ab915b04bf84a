"""Delta tables made by hand from their contracts, without Spark: typed, and each row only as full as a test needs it.

A column that a row does not name is null, or, where the contract requires it, an empty value of its type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import yaml
from deltalake import write_deltalake

from pipelines.settings import SCHEMAS_DIR, Settings

_PLAIN = {
    "string": pa.string(), "bigint": pa.int64(), "int": pa.int32(), "smallint": pa.int16(), "double": pa.float64(),
    "float": pa.float32(), "boolean": pa.bool_(), "binary": pa.binary(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}  # fmt: skip


def arrow_type(ddl: str) -> pa.DataType:
    """Spark's words for a type → Arrow's."""
    ddl = ddl.strip()
    head, _, rest = ddl.partition("<")
    inside = rest[:-1]
    if head == "array":
        return pa.list_(arrow_type(inside))
    if head == "map":
        key, value = _parts(inside)
        return pa.map_(arrow_type(key), arrow_type(value))
    if head == "struct":
        fields = (part.split(":", 1) for part in _parts(inside))
        return pa.struct([(name.strip(), arrow_type(kind)) for name, kind in fields])
    if decimal := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", ddl):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return _PLAIN[ddl]


def _parts(text: str) -> list[str]:
    """At the commas that are not inside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


@cache
def contract_schema(full_name: str) -> pa.Schema:
    """The columns of a contract, in its order, required ones not nullable."""
    layer, _, name = full_name.partition(".")
    document = yaml.safe_load((SCHEMAS_DIR / "tables" / layer / f"{name}.yaml").read_text())
    columns = document["schema"][0]["properties"]
    return pa.schema(
        [
            pa.field(column["name"], arrow_type(column["physicalType"]), nullable=not column.get("required", False))
            for column in columns
        ]
    )


def write_rows(settings: Settings, full_name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to a table, which is made if it is not there yet; none make it empty."""
    schema = contract_schema(full_name)
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"{full_name} has no column {', '.join(sorted(unknown))}"
    filled = [{field.name: row.get(field.name, _default(field)) for field in schema} for row in rows]
    table = pa.Table.from_pylist(filled, schema)
    write_deltalake(str(settings.table_path(*full_name.split("."))), table, mode="append")


def _default(field: pa.Field) -> Any:
    if field.nullable:
        return None
    kind = field.type
    if pa.types.is_timestamp(kind):
        return datetime(2026, 3, 2, tzinfo=UTC)
    if pa.types.is_date(kind):
        return date(2026, 3, 2)
    if pa.types.is_map(kind) or pa.types.is_list(kind):
        return []
    if pa.types.is_decimal(kind):
        return Decimal(0)
    if pa.types.is_boolean(kind):
        return False
    if pa.types.is_binary(kind):
        return b""
    if pa.types.is_struct(kind):
        return dict.fromkeys(field.name for field in kind)
    return "" if pa.types.is_string(kind) else 0
