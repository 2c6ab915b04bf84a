"""One report of some machines, on its way from numbers to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from pipelines.local.simulator.signals import Floats, Ints


@dataclass(frozen=True, slots=True)
class Report:
    """What hosts [first_host, last_host) of a feed say at their own `times_ms` (epoch).

    `values` are those of series [first_series, last_series), host by host; `owner` is the place of each series' host
    in `times_ms`.
    """

    first_host: int
    last_host: int
    first_series: int
    last_series: int
    times_ms: Ints
    values: Floats
    owner: Sequence[int]


class Payload(NamedTuple):
    """A Kafka value and the headers beside it."""

    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Row = TypeVar("Row")


class Writer(Protocol[Row]):
    """A producer's format: how one record is written, as a `Row`, and how records make up one Kafka value."""

    records_per_value: tuple[int, int]
    """Fewest and most (exclusive)."""

    def rows(self, report: Report) -> list[Row]:
        """Each record written out, in the order of the series: a JSON object as text, or bytes."""
        ...

    def wrap(self, rows: Sequence[Row]) -> Payload:
        """One Kafka value."""
        ...

    def is_nan(self, row: Row) -> bool:
        """Whether it is a well-formed sample without a number."""
        ...


class TextWriter:
    """What the writers of JSON text share."""

    def is_nan(self, row: str) -> bool:
        return '"NaN"' in row


def time_texts(times_ms: Ints) -> list[str]:
    """Epoch milliseconds as `2026-03-02T10:15:00.133`, without a zone."""
    texts: list[str] = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms").tolist()
    return texts
