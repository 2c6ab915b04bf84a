"""End-to-end latency: from the Kafka timestamp of a record to the moment the commit that holds it is visible.

Taken from the Delta logs of the tables after the run, so that measuring costs the run nothing. A commit is visible when
its log file is: the file's modification time.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import bronze, routing
from pipelines.detection import stream as scoring
from pipelines.gold import metric_rollup
from pipelines.settings import Settings
from pipelines.tables import Table


@dataclass(frozen=True)
class Commit:
    version: int
    visible: float  # seconds since 1970
    files: tuple[Path, ...]
    query: str | None  # the id of the query that wrote it, by its transaction
    batch: int | None  # and its micro-batch


@dataclass(frozen=True)
class Window:
    """Kafka timestamps to count, seconds since 1970."""

    start: float
    end: float


def percentiles(settings: Settings, window: Window) -> dict[str, dict[str, float]]:
    """p50, p95 and p99 in seconds by layer, over the records that reached Kafka in `window`."""
    return {
        "bronze": _summary(_appended(settings, bronze.TABLE, window)),
        "silver": _summary(_appended(settings, routing.METRICS, window)),
        "gold": _summary(_passed_on(settings, metric_rollup.TABLE, metric_rollup.QUERY, window)),
        "scores": _summary(_passed_on(settings, scoring.TABLE, scoring.QUERY, window)),
        "scores after silver": _summary(_after_silver(settings, window)),
    }


def commits(settings: Settings, table: Table) -> Iterator[Commit]:
    root = Path(table.path(settings))
    for log in sorted((root / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        added = tuple(root / unquote(action["add"]["path"]) for action in actions if "add" in action)
        txn = next((action["txn"] for action in actions if "txn" in action), None)
        query, batch = (None, None) if txn is None else (str(txn["appId"]), int(txn["version"]))
        yield Commit(int(log.stem), log.stat().st_mtime, added, query, batch)


def _arrivals(files: tuple[Path, ...], window: Window) -> NDArray[np.float64]:
    columns = [pq.read_table(file, columns=["kafka_timestamp"])["kafka_timestamp"] for file in files]
    if not columns:
        return np.empty(0)
    # Spark writes INT96, which Arrow reads as nanoseconds.
    micros = [column.cast(pa.timestamp("us", tz="UTC")).cast("int64").to_numpy() for column in columns]
    seconds = np.concatenate(micros) / 1e6
    return seconds[(seconds >= window.start) & (seconds < window.end)]


def _appended(settings: Settings, table: Table, window: Window) -> NDArray[np.float64]:
    found = [commit.visible - _arrivals(commit.files, window) for commit in commits(settings, table)]
    return np.concatenate(found)


def _passed_on(settings: Settings, table: Table, query: str, window: Window) -> NDArray[np.float64]:
    """For each silver row, from its Kafka timestamp to the commit of the micro-batch of `query` that read it."""
    return np.concatenate(
        [visible - _arrivals(commit.files, window) for commit, visible in _readings(settings, table, query)]
    )


def _after_silver(settings: Settings, window: Window) -> NDArray[np.float64]:
    """For each silver row, from its own commit to that of its score."""
    return np.concatenate(
        [
            np.full(len(_arrivals(commit.files, window)), visible - commit.visible)
            for commit, visible in _readings(settings, scoring.TABLE, scoring.QUERY)
        ]
    )


def _readings(settings: Settings, table: Table, query: str) -> Iterator[tuple[Commit, float]]:
    """Each commit of silver.metrics that `query` has read, and when what came of it in `table` was visible."""
    checkpoint = settings.checkpoint_path(query)
    query_id = json.loads((checkpoint / "metadata").read_text())["id"]
    visible = {
        commit.batch: commit.visible
        for commit in commits(settings, table)
        if commit.batch is not None and commit.query == query_id
    }
    ends = dict(_batch_ends(checkpoint))
    batches = sorted(batch for batch in ends if batch in visible)
    after = [ends[batch] for batch in batches]
    for commit in commits(settings, routing.METRICS):
        # A batch has read all versions below its end.
        index = bisect_left(after, commit.version + 1)
        if index < len(batches):
            yield commit, visible[batches[index]]


def _batch_ends(checkpoint: Path) -> Iterator[tuple[int, int]]:
    """Batch → the first silver version that it did not read."""
    for offsets in checkpoint.joinpath("offsets").iterdir():
        if offsets.name.isdigit():
            end = json.loads(offsets.read_text().splitlines()[-1])
            yield int(offsets.name), int(end["reservoirVersion"]) + (1 if int(end["index"]) >= 0 else 0)


def _summary(latencies: NDArray[np.float64]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "p99": round(float(p99), 2)}
