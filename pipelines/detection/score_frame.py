"""One bucket's rows of silver.metrics, scored: each row by its series' past, and each host's complete rows together."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from pipelines.detection.block import Block
from pipelines.detection.bundle import Host
from pipelines.detection.host_track import ScoredRows, score_host
from pipelines.detection.multivariate import leading
from pipelines.detection.published import Champion
from pipelines.detection.scores import FloatVector, IntVector
from pipelines.detection.univariate import score_points

# What the stream hands over for each row of silver.metrics, and gets back for each score.
GIVEN = (
    "score_id string, series_id bigint, resource_id string, host_name string, namespace string, metric string, "
    "event_time timestamp, value double, kafka_timestamp timestamp, ingest_time timestamp"
)
SCORED = (
    f"{GIVEN}, detector string, expected double, lower double, upper double, anomaly_score double, "
    "top_contributors array<string>, model_name string, model_version string"
)
UNIVARIATE, MULTIVARIATE = "univariate", "multivariate"
_GIVEN = [column.strip().split()[0] for column in GIVEN.split(",")]
_COLUMNS = [column.strip().split()[0] for column in SCORED.split(",")]


def score_frame(rows: pd.DataFrame, block: Block, champion: Champion) -> pd.DataFrame:
    """The scores, in the columns of SCORED, of `rows`, in those of GIVEN; `block` learns from them in place.

    Rows are taken in the order of time, whatever order they come in.
    """
    rows = _in_order(rows)
    times = epoch_seconds(rows["event_time"])
    series_ids, values = rows["series_id"].to_numpy(np.int64), rows["value"].to_numpy(np.float64)
    at = block.rows_of(series_ids)
    np.maximum.at(block.seen, at, times)
    strictness = strictness_of(block, champion)
    scores = score_points(block.states, at, times, values, champion.bundle.parameters, strictness)
    # Made at once: a frame of a micro-batch is small, and each assigned column costs as much as scoring its rows.
    scored = pd.DataFrame(
        {
            **{name: rows[name] for name in _GIVEN},
            "detector": UNIVARIATE,
            "expected": scores.expected,
            "lower": scores.lower,
            "upper": scores.upper,
            "anomaly_score": scores.score,
            "top_contributors": [[]] * len(rows),
            "model_name": champion.published.name,
            "model_version": champion.published.version,
        }
    )
    of_hosts = _score_hosts(rows, times, block, champion)
    return pd.concat([scored, *of_hosts], ignore_index=True)[_COLUMNS] if of_hosts else scored


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """By time, series and, where a series has two rows of one time, `score_id`: the same whatever order they come in.

    Ids are compared only where they decide: sorting all rows by these strings took longer than all else together.
    """
    times, series = rows["event_time"].to_numpy("datetime64[us]"), rows["series_id"].to_numpy(np.int64)
    order = np.lexsort((series, times))
    before, after = order[:-1], order[1:]
    same = (times[before] == times[after]) & (series[before] == series[after])
    if same.any():
        tied = np.union1d(before[same], after[same])
        rank = np.zeros(len(rows), dtype=np.int64)
        rank[tied] = np.unique(rows["score_id"].to_numpy(object)[tied], return_inverse=True)[1]
        order = np.lexsort((rank, series, times))
    return rows.take(order).reset_index(drop=True)


def epoch_seconds(times: pd.Series) -> FloatVector:
    micros: IntVector = times.to_numpy("datetime64[us]").astype(np.int64)
    return micros / 1e6


def strictness_of(block: Block, champion: Champion) -> FloatVector:
    """(series of the block,): 1, or what the verdicts of operators made of it."""
    strictness = np.ones(len(block.ids))
    told = champion.bundle.strictness
    if told:
        series = np.fromiter(told, np.int64, len(told))
        order = np.argsort(series)
        place = np.searchsorted(series, block.ids, sorter=order).clip(max=len(series) - 1)
        found = series[order[place]] == block.ids
        strictness[found] = np.fromiter(told.values(), np.float64, len(told))[order[place[found]]]
    return strictness


def _score_hosts(rows: pd.DataFrame, times: FloatVector, block: Block, champion: Champion) -> list[pd.DataFrame]:
    hosts = champion.bundle.hosts
    if not hosts:
        return []
    found = []
    for resource_id, index in rows.groupby("resource_id", sort=True).indices.items():
        host = hosts.get(str(resource_id))
        if host is None:
            continue
        of_host = rows.iloc[index]
        track, scored = score_host(
            host,
            champion.published.version,
            block.hosts.get(str(resource_id)),
            of_host["series_id"].to_numpy(np.int64),
            times[index],
            of_host["value"].to_numpy(np.float64),
        )
        if track is not None:
            block.hosts[str(resource_id)] = track
        if scored is not None:
            found.append(_host_frame(host, scored, of_host.iloc[-1], champion))
    return found


def _host_frame(host: Host, scored: ScoredRows, newest: pd.Series, champion: Champion) -> pd.DataFrame:
    """`newest`: the row that completed the last of them, whose arrival is theirs."""
    value, expected, lower, upper = leading(scored.scores, scored.values)
    named = host.model.metric_names
    resource_id = str(newest["resource_id"])
    return pd.DataFrame(
        {
            "score_id": [identity(MULTIVARIATE, resource_id, time) for time in scored.times.tolist()],
            "series_id": host_series_id(resource_id),
            "resource_id": resource_id,
            "host_name": newest["host_name"],
            "namespace": MULTIVARIATE,
            "metric": "all metrics",
            "event_time": pd.to_datetime(scored.times, unit="s").astype("datetime64[us]"),
            "value": value,
            "kafka_timestamp": newest["kafka_timestamp"],
            "ingest_time": newest["ingest_time"],
            "detector": MULTIVARIATE,
            "expected": expected,
            "lower": lower,
            "upper": upper,
            "anomaly_score": scored.scores.score,
            "top_contributors": [
                [named[metric] for metric in leaders if metric >= 0] for leaders in scored.scores.contributors.tolist()
            ],
            "model_name": champion.published.name,
            "model_version": champion.published.version,
        }
    )


def identity(detector: str, what: str, time: int) -> str:
    """MD5 of what was scored and when: the same however often a batch is repeated."""
    return hashlib.md5(f"{detector}\n{what}\n{time}".encode(), usedforsecurity=False).hexdigest()


def host_series_id(resource_id: str) -> int:
    """A series of its own for a host as a whole: 64 bits of the MD5 of its id, signed."""
    digest = hashlib.md5(f"{MULTIVARIATE}\n{resource_id}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
