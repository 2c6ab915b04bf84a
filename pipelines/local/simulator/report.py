"""One report of some machines, on its way from numbers to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Writer(Protocol):
    """A producer's format: how one record is written, and how records make up one Kafka value."""

    records_per_value: tuple[int, int]
    """Fewest and most (exclusive)."""
    time_field: str

    def rows(self, report: Report) -> list[str]:
        """One JSON object (text) for each record, in the order of the series."""
        ...

    def wrap(self, rows: Sequence[str]) -> str:
        """The text of one Kafka value."""
        ...


def time_texts(times_ms: Ints) -> list[str]:
    """Epoch milliseconds as `2026-03-02T10:15:00.133`, without a zone."""
    texts: list[str] = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms").tolist()
    return texts
