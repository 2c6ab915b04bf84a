"""Parquet as values: JSON, an object a line; a cost report as CSV, as rows of JSON that are alike count as one.

Decimals go as digits, timestamps as ISO 8601 in UTC (those without zone are taken for UTC), maps as objects.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet

from pipelines.errors import SendError
from pipelines.operations.send.csv_values import values_of_rows
from pipelines.operations.send.delivery import lacks_delivery
from pipelines.operations.send.packing import Frame, Value, pack

_ROWS = 2_000  # of a batch: what is held at a time


def values_of_parquet(file: BinaryIO, delivery: str, limit: int, name: str) -> Iterator[Value]:
    """Raises SendError if it is no Parquet that can be read, or a row does not fit."""
    try:
        table = parquet.ParquetFile(file)
        names = table.schema_arrow.names
        rows = _rows(table)
        if lacks_delivery(names):
            cells = ([_cell(value) for value in row] for row in rows)
            yield from values_of_rows(names, cells, [], delivery, limit, name)
            return
        lines = (_json(dict(zip(names, row, strict=True))).encode() for row in rows)
        yield from pack(lines, Frame(), limit, name)
    except pa.ArrowException as error:
        raise SendError(f"{name}: is no Parquet that can be read: {error}") from error


def _rows(table: parquet.ParquetFile) -> Iterator[tuple[Any, ...]]:
    for batch in table.iter_batches(_ROWS):
        columns = [[_plain(value, column.type) for value in column.to_pylist()] for column in batch.columns]
        yield from zip(*columns, strict=True)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """A value of Arrow as one of JSON."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {str(_plain(key, kind.key_type)): _plain(one, kind.item_type) for key, one in value}
    if pa.types.is_struct(kind):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_plain(one, kind.value_type) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: bytes) -> str:
    """Some writers do not mark text as text; what is none goes as base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
