"""Records a minute, by resource and severity: which minutes are over, and how usual their counts are.

Minutes are counted since 1970. A minute of a resource is over when a later one of it was seen and some grace is past;
or, as a resource may fall silent, when the others are well beyond it. A minute without records counts 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.detection.scores import Scores

CLASSES = ("other", "warning", "error")
HEARD = ("resource_id", "host_name", "first_minute", "newest_minute", "messages", "kafka_timestamp", "ingest_time")


@dataclass(frozen=True)
class VolumeRules:
    """`grace_minutes`: how long a minute stays open for late records once a later one has begun.

    `silent_minutes`: a resource that says nothing is held against the clock of all others after that; unless it was
    further behind them when it spoke last, as one that delivers late. `most_zeros`: minutes of silence that are scored,
    and then no more until the series speaks. `forget_minutes`: a resource that is silent for so long is forgotten.
    """

    grace_minutes: int = 1
    silent_minutes: int = 10
    most_zeros: int = 60
    forget_minutes: int = 7 * 24 * 60


class Detector(Protocol):
    """A univariate detector with the states of many series, a row each."""

    @property
    def version(self) -> str: ...

    def fresh_states(self, series: int) -> NDArray[np.float64]:
        """States of series of which nothing is known."""
        ...

    def score(
        self,
        states: NDArray[np.float64],
        series: NDArray[np.int64],
        times: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> Scores:
        """Score points (row of `states`, seconds since 1970, value), ascending in time within a series.

        Changes `states`.
        """
        ...


@dataclass(frozen=True)
class Points:
    """Minutes that are over: row of the series, minute, number of records; by series, then minute."""

    series: NDArray[np.int64]
    minute: NDArray[np.int64]
    count: NDArray[np.int64]


def advance_clocks(known: pd.DataFrame, heard: pd.DataFrame, rules: VolumeRules) -> pd.DataFrame:
    """The resources (index resource_id) after a batch of which `heard` has a row a resource.

    Columns: those of HEARD but the id, `closed_before` and `closed_to` (the last minute that was over before, and is
    now), `lag` (minutes that it was behind all others when it spoke last). A resource that was long silent is gone.
    """
    news = heard.set_index("resource_id")
    both = known.join(news, how="outer", lsuffix="_known").sort_index()
    spoke = both.index.isin(news.index)
    newest = _larger(both["newest_minute_known"], both["newest_minute"])
    clock = int(newest.max()) if len(newest) else 0
    first = both["first_minute_known"].fillna(both["first_minute"])
    closed_before = both["closed_to"].fillna(first - 1)
    lag = np.where(spoke, clock - newest, both["lag"])
    silent = np.where(lag <= rules.silent_minutes, clock - rules.silent_minutes, closed_before)
    closed_to = np.maximum(np.maximum(closed_before, newest - 1 - rules.grace_minutes), silent)
    numbers = {
        "first_minute": first,
        "newest_minute": newest,
        "messages": both["messages_known"].fillna(0) + both["messages"].fillna(0),
        "kafka_timestamp": both["kafka_timestamp"].fillna(both["kafka_timestamp_known"]),
        "ingest_time": both["ingest_time"].fillna(both["ingest_time_known"]),
        "closed_before": closed_before,
        "closed_to": closed_to,
        "lag": lag,
    }
    resources = pd.DataFrame({name: column.astype(np.int64) for name, column in pd.DataFrame(numbers).items()})
    resources.insert(0, "host_name", both["host_name"].where(both["host_name"].notna(), both["host_name_known"]))
    return resources[resources["newest_minute"] > clock - rules.forget_minutes]


def _larger(left: pd.Series, right: pd.Series) -> pd.Series:
    return np.fmax(left.astype(float), right.astype(float))


def closing_points(
    last_minute: NDArray[np.int64],
    closed_before: NDArray[np.int64],
    closed_to: NDArray[np.int64],
    counted: Points,
    rules: VolumeRules,
) -> Points:
    """The minutes to score: those counted, and the silent ones between them and after them.

    The first three are by series: its last minute with records that was scored (-1 for a new series), and the minutes
    up to which its resource was, and is, closed. `counted` has minutes in (closed_before, closed_to] only.
    """
    known = np.flatnonzero(last_minute >= 0)
    series = np.concatenate([known, counted.series])
    minute = np.concatenate([last_minute[known], counted.minute])
    order = np.lexsort((minute, series))
    series, minute = series[order], minute[order]
    follows = np.append(series[1:] == series[:-1], False)
    until = np.where(follows, np.append(minute[1:], 0) - 1, closed_to[series])
    start = np.maximum(minute, closed_before[series]) + 1
    zeros = np.maximum(np.minimum(until, minute + rules.most_zeros) - start + 1, 0)
    place = np.arange(zeros.sum()) - np.repeat(np.cumsum(zeros) - zeros, zeros)
    all_series = np.concatenate([counted.series, np.repeat(series, zeros)])
    all_minutes = np.concatenate([counted.minute, np.repeat(start, zeros) + place])
    all_counts = np.concatenate([counted.count, np.zeros(len(place), dtype=np.int64)])
    order = np.lexsort((all_minutes, all_series))
    return Points(all_series[order], all_minutes[order], all_counts[order])


def steadied(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts scatter the more the larger they are; after this, if they are Poisson's, by 1 whatever their mean.

    F. J. Anscombe: "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35 (1948).
    """
    return np.asarray(2.0 * np.sqrt(counts + 0.375))


def unsteadied(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Back to counts, not below 0."""
    return np.asarray(np.maximum(np.square(np.maximum(values, 0.0) / 2.0) - 0.375, 0.0))
