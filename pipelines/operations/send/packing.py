"""Records packed into values below a limit, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.errors import SendError

# Below the 1,000,000 bytes that most brokers and clients take, with room for what Kafka adds.
LIMIT_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class Value:
    """One Kafka value; `first` is the number of its first record in the file, from 1."""

    content: bytes
    records: int
    first: int


@dataclass(frozen=True)
class Frame:
    """What stands around the records of each value."""

    head: bytes = b""
    between: bytes = b"\n"
    tail: bytes = b"\n"


def pack(records: Iterable[bytes], frame: Frame, limit: int, name: str) -> Iterator[Value]:
    """As many records in a value as fit in `limit` bytes; no value of a file without records.

    Raises SendError if one record alone does not fit; `name` is the file's.
    """
    around = len(frame.head) + len(frame.tail)
    held: list[bytes] = []
    size, first = around, 1
    for number, record in enumerate(records, 1):
        if around + len(record) > limit:
            raise too_large(f"{name}: record {number}", around + len(record), limit)
        added = len(record) + (len(frame.between) if held else 0)
        if size + added > limit:
            yield _value(held, frame, first)
            held, size, first, added = [], around, number, len(record)
        held.append(record)
        size += added
    if held:
        yield _value(held, frame, first)


def too_large(what: str, size: int, limit: int) -> SendError:
    return SendError(
        f"{what} is {size:,} bytes and cannot be cut; a message may have {limit:,}: --limit raises that, if "
        "message.max.bytes of the broker does"
    )


def _value(held: list[bytes], frame: Frame, first: int) -> Value:
    return Value(frame.head + frame.between.join(held) + frame.tail, len(held), first)
