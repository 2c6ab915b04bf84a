"""A file of CSV as values of whole records, each below the header. RFC 4180: a cell may hold line breaks.

Told apart by its header: delimiter; written with commas. Lines above the header (`#executionId=…`) stay above each.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TextIO

from pipelines.errors import SendError
from pipelines.operations.send.content import delimiter_of
from pipelines.operations.send.delivery import COLUMN, lacks_delivery
from pipelines.operations.send.packing import Frame, Value, pack


def values_of_csv(text: TextIO, delivery: str, limit: int, name: str) -> Iterator[Value]:
    """`text` is read with newline="" and not held; `delivery` goes above the header of a cost report that names none.

    Raises SendError if a record does not fit or a quote is never closed.
    """
    above: list[str] = []
    line = text.readline()
    while line.startswith("#") or (line and not line.strip()):
        above.append(line.strip())
        line = text.readline()
    # A quote that is left open would take all the rest into one cell.
    csv.field_size_limit(limit)
    reader = csv.reader(chain([line], text), delimiter=delimiter_of(line))
    try:
        header = next(reader, [])
        said = [entry for entry in above if entry]
        yield from values_of_rows(header, _rows(reader), said, delivery, limit, name)
    except csv.Error as error:
        raise SendError(
            f"{name}: line {reader.line_num:,} or one before it: {error}; is a quote not closed?"
        ) from error


def values_of_rows(
    header: list[str], rows: Iterable[list[str]], above: list[str], delivery: str, limit: int, name: str
) -> Iterator[Value]:
    """Rows of cells as CSV, below the header and what stands above it."""
    named = [line[1:].partition("=")[0] for line in above]
    said = [*above, f"#{COLUMN}={delivery}"] if lacks_delivery([*header, *named]) else above
    head = "".join(f"{line}\n" for line in said)
    frame = Frame((head + _written(header) + "\n").encode())
    # Room for the line that tells values of the same words apart.
    values = pack((_written(row).encode() for row in rows), frame, limit - _ROOM, name)
    return _told_apart(values)


_ROOM = 32


def _told_apart(values: Iterable[Value]) -> Iterator[Value]:
    """Equal values would be repeats of one; charges that are alike are several."""
    seen: dict[bytes, int] = {}
    for value in values:
        digest = hashlib.md5(value.content, usedforsecurity=False).digest()
        seen[digest] = times = seen.get(digest, 0) + 1
        yield value if times == 1 else replace(value, content=b"#again=%d\n" % times + value.content)


def _rows(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    return (row for row in reader if row)


def _written(row: list[str]) -> str:
    line = io.StringIO()
    # A cell is only quoted for the line breaks that end a line.
    csv.writer(line, lineterminator="\r\n").writerow(row)
    return line.getvalue().removesuffix("\r\n")
