"""JSON as values: lines are packed, a document with a list of records is cut into documents of the same form.

What goes is the text that came: no number is read and written again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TextIO

from pipelines.errors import SendError
from pipelines.operations.send.delivery import COLUMN, lacks_delivery
from pipelines.operations.send.packing import Frame, Value, pack, too_large

_LISTS = ("Records", "records", "value")
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def values_of_json(text: TextIO, delivery: str, limit: int, name: str) -> Iterator[Value]:
    """Lines are not held; one document is. `delivery` goes into rows of costs that name none.

    Raises SendError if what should be a document is none, or cannot be cut and is too large.
    """
    first = next((line for line in text if line.strip()), "")
    if _is_whole(first):
        following = next((line for line in text if line.strip()), "")
        if following:
            yield from values_of_lines(chain([first, following], text), delivery, limit, name)
            return
        yield from values_of_document(first.strip(), delivery, limit, name)
        return
    documents = _documents((first + text.read()).strip(), name)
    if len(documents) == 1:
        yield from values_of_document(documents[0], delivery, limit, name)
    else:
        yield from values_of_lines((re.sub(r"[\r\n]+", " ", each) for each in documents), delivery, limit, name)


def values_of_lines(lines: Iterable[str], delivery: str, limit: int, name: str) -> Iterator[Value]:
    """A line is a record, of which as many go into a value as fit. Text that is no JSON goes as it is."""
    whole = (line.strip() for line in lines)
    return pack((_named(line, delivery).encode() for line in whole if line), Frame(), limit, name)


def values_of_document(text: str, delivery: str, limit: int, name: str) -> Iterator[Value]:
    """One value if it fits; else several of `{"Records":[…]}`, with the other members in each, or of `[…]`."""
    cut = _cut(text)
    size = len(text.encode())
    if cut is not None:
        before, records, after = cut
        named = [_named(record, delivery) for record in records]
        if size > limit or named != records:
            frame = Frame(before.encode(), b",", after.encode())
            yield from pack((record.encode() for record in named), frame, limit, name)
            return
    else:
        text = _named(text, delivery)
        size = len(text.encode())
    if size > limit:
        raise too_large(name, size, limit)
    yield Value(text.encode(), 1 if cut is None else max(len(cut[1]), 1), 1)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _documents(text: str, name: str) -> list[str]:
    """JSON texts one behind the other, as Firehose joins them."""
    found = []
    place = 0
    while place < len(text):
        try:
            _, end = _DECODER.raw_decode(text, place)
        except ValueError as error:
            raise SendError(f"{name}: is no JSON: {error}") from error
        found.append(text[place:end])
        place = _skip(text, end)
    return found


def _cut(text: str) -> tuple[str, list[str], str] | None:
    """What stands before the records, the records, and what stands behind them; None if there is no such list."""
    if text.startswith("["):
        records, end = _elements(text, 0)
        return "[", records, text[end - 1 :]
    place = _skip(text, 1)
    while text.startswith('"', place):
        member, end = _DECODER.raw_decode(text, place)
        start = _skip(text, _skip(text, end) + 1)
        if member in _LISTS and text.startswith("[", start):
            records, end = _elements(text, start)
            return text[: start + 1], records, text[end - 1 :]
        _, end = _DECODER.raw_decode(text, start)
        place = _skip(text, _skip(text, end) + 1)
    return None


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """The elements of the list that begins at `start`, and where it ends."""
    found = []
    place = _skip(text, start + 1)
    while not text.startswith("]", place):
        _, end = _DECODER.raw_decode(text, place)
        found.append(text[place:end])
        place = _skip(text, end)
        if text.startswith(",", place):
            place = _skip(text, place + 1)
    return found, place + 1


def _named(record: str, delivery: str) -> str:
    """A row of costs with its delivery; any other record as it is."""
    if not record.startswith("{") or "cost" not in record.lower():
        return record
    try:
        members: Any = json.loads(record)
    except ValueError:
        return record  # the streams say what is wrong with it
    return f'{{"{COLUMN}":{json.dumps(delivery)},{record[1:]}' if lacks_delivery(members) else record


def _skip(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    assert blank is not None
    return blank.end()
