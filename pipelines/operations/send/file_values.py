"""Any file as Kafka values."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import SendError
from pipelines.operations.send.content import Format, encoding_of, format_of, head_of, opened
from pipelines.operations.send.csv_values import values_of_csv
from pipelines.operations.send.json_values import values_of_json
from pipelines.operations.send.packing import Frame, Value, pack
from pipelines.operations.send.parquet_values import values_of_parquet


def values_of(path: Path, delivery: str, limit: int) -> Iterator[Value]:
    """The values of a file, each of `limit` bytes or less.

    Raises SendError, which names the file, if it cannot be read or cut.
    """
    with opened(path) as stream:
        head = head_of(stream)
        kind = format_of(head)
        if kind is Format.PARQUET:
            yield from values_of_parquet(stream, delivery, limit, str(path))
            return
        text = io.TextIOWrapper(stream, encoding_of(head), newline="")
        try:
            if kind is Format.CSV:
                yield from values_of_csv(text, delivery, limit, str(path))
            elif kind is Format.JSON:
                yield from values_of_json(text, delivery, limit, str(path))
            else:
                yield from _values_of_text(text, limit, str(path))
        except UnicodeError as error:
            raise SendError(f"{path}: is neither UTF-8 nor UTF-16 with a mark: {error}; write it as UTF-8") from error


def _values_of_text(text: io.TextIOWrapper, limit: int, name: str) -> Iterator[Value]:
    """Lines of a log or a scrape, as they are."""
    lines = (line.rstrip("\r\n").encode() for line in text)
    return pack((line for line in lines if line.strip()), Frame(), limit, name)
