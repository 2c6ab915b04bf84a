"""Stretches of time that no model may learn from: incidents, maintenance, whatever an operator names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.errors import ModelError


@dataclass(frozen=True)
class Exclusion:
    """From `start` to `end` (UTC, both included), of the resources that match the glob `resource`; of one series or
    metric alone where one is named."""

    start: datetime
    end: datetime
    why: str
    resource: str = "*"
    series_id: int | None = None
    metric: str | None = None


def covered(frame: pd.DataFrame, resource_id: str, exclusions: Iterable[Exclusion]) -> NDArray[np.bool_]:
    """Which rows of one resource (`series_id`, `metric`, `time` in epoch seconds) lie in an exclusion: (rows,)."""
    found = np.zeros(len(frame), dtype=np.bool_)
    times = frame["time"].to_numpy()
    for one in exclusions:
        if not fnmatchcase(resource_id, one.resource):
            continue
        rows = (times >= one.start.timestamp()) & (times <= one.end.timestamp())
        if one.series_id is not None:
            rows &= frame["series_id"].to_numpy() == one.series_id
        if one.metric is not None:
            rows &= frame["metric"].to_numpy() == one.metric
        found |= rows
    return found


def parse_range(text: str) -> Exclusion:
    """`2026-03-01T10:00..2026-03-01T12:00` (UTC) as an exclusion of everything. Raises ModelError."""
    start, separator, end = text.partition("..")
    try:
        if not separator:
            raise ValueError("there is no `..` in it")
        begin, finish = (_utc(datetime.fromisoformat(part.strip())) for part in (start, end))
        if begin >= finish:
            raise ValueError("it ends before it begins")
    except ValueError as error:
        raise ModelError(
            f"--exclude is {text!r}: {error}; it should be FROM..TO in UTC, such as 2026-03-01T10:00..2026-03-01T12:00"
        ) from error
    return Exclusion(begin, finish, "asked for")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
