"""The minutes of a batch, held against what is usual for the resource."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.detection.logs.state import LogState
from pipelines.detection.logs.volume import (
    HEARD,
    Detector,
    Points,
    VolumeRules,
    advance_clocks,
    closing_points,
    steadied,
    unsteadied,
)

_SERIES = ["resource_id", "severity_class"]


@dataclass(frozen=True)
class Minutes:
    """`state` after the batch, but for its patterns. `scored`: a row a minute that is over, with resource_id,
    host_name, severity_class, minute, count, expected, lower, upper, score, kafka_timestamp, ingest_time."""

    state: LogState
    scored: pd.DataFrame


def heard_of(counts: pd.DataFrame) -> pd.DataFrame:
    """`counts` (a row a resource, severity class and minute) → a row a resource, with the columns of HEARD."""
    groups = counts.groupby("resource_id")
    heard = groups.agg(
        host_name=("host_name", "max"),
        first_minute=("minute", "min"),
        newest_minute=("newest_minute", "max"),
        messages=("count", "sum"),
        kafka_timestamp=("kafka_timestamp", "max"),
        ingest_time=("ingest_time", "max"),
    )
    return heard.reset_index()[list(HEARD)]


def score_minutes(state: LogState, counts: pd.DataFrame, rules: VolumeRules, detector: Detector) -> Minutes:
    """Count the records of a batch, and score the minutes that are over now. Those that come later are not counted."""
    resources = advance_clocks(state.resources.set_index("resource_id"), heard_of(counts), rules)
    counted = pd.concat([state.open_minutes, counts[state.open_minutes.columns]], ignore_index=True)
    counted = counted.groupby([*_SERIES, "minute"], as_index=False)["count"].sum()
    bounds = resources.reindex(counted["resource_id"])[["closed_before", "closed_to"]].to_numpy(dtype=float)
    minute = counted["minute"].to_numpy()
    in_time = minute > bounds[:, 0]  # not so where the resource is unknown: NaN
    is_over = in_time & (minute <= bounds[:, 1])
    over, still_open = counted[is_over], counted[in_time & ~is_over]
    series, states = _known_series(state, over, resources, detector)
    rows = pd.MultiIndex.from_frame(series[_SERIES]).get_indexer(pd.MultiIndex.from_frame(over[_SERIES]))
    of = resources.reindex(series["resource_id"])
    points = closing_points(
        series["last_minute"].to_numpy(dtype=np.int64),
        of["closed_before"].to_numpy(dtype=np.int64),
        of["closed_to"].to_numpy(dtype=np.int64),
        Points(rows.astype(np.int64), over["minute"].to_numpy(dtype=np.int64), over["count"].to_numpy(dtype=np.int64)),
        rules,
    )
    last_minute = series["last_minute"].to_numpy(dtype=np.int64).copy()
    np.maximum.at(last_minute, rows, over["minute"].to_numpy(dtype=np.int64))
    scored = _scored(points, states, series, resources, detector)
    after = replace(
        state,
        resources=resources.reset_index(),
        series=series.assign(last_minute=last_minute),
        open_minutes=still_open.reset_index(drop=True),
        detector=states,
        detector_version=detector.version,
    )
    return Minutes(after, scored)


def _known_series(
    state: LogState, over: pd.DataFrame, resources: pd.DataFrame, detector: Detector
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The series, new ones behind the known ones, and their states; without those of forgotten resources."""
    kept = state.series["resource_id"].isin(resources.index).to_numpy()
    known = state.series[kept]
    fresh = over[_SERIES].drop_duplicates().merge(known[_SERIES], how="left", indicator=True)
    fresh = fresh.loc[fresh["_merge"] == "left_only", _SERIES].assign(last_minute=-1)
    series = pd.concat([known, fresh], ignore_index=True).astype({"severity_class": np.int64, "last_minute": np.int64})
    if state.detector_version != detector.version:
        return series, detector.fresh_states(len(series))  # states of another detector mean nothing to this one
    return series, np.concatenate([state.detector[kept], detector.fresh_states(len(fresh))])


def _scored(
    points: Points, states: NDArray[np.float64], series: pd.DataFrame, resources: pd.DataFrame, detector: Detector
) -> pd.DataFrame:
    found = detector.score(states, points.series, points.minute.astype(np.float64) * 60, steadied(points.count))
    owner = series.iloc[points.series]
    of = resources.loc[owner["resource_id"]]
    return pd.DataFrame(
        {
            "resource_id": owner["resource_id"].to_numpy(),
            "host_name": of["host_name"].to_numpy(),
            "severity_class": owner["severity_class"].to_numpy(),
            "minute": points.minute,
            "count": points.count,
            "expected": unsteadied(found.expected),
            "lower": unsteadied(found.lower),
            "upper": unsteadied(found.upper),
            "score": found.score,
            "kafka_timestamp": of["kafka_timestamp"].to_numpy(),
            "ingest_time": of["ingest_time"].to_numpy(),
        }
    )
