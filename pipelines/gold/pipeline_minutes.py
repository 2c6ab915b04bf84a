"""What streaming queries say of their micro-batches → rows of gold.pipeline_health, a minute each. No Spark, no I/O.

The words are those of `StreamingQueryProgress.json`:
https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html#reading-metrics-interactively
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from pipelines.streams import ARRIVALS, OLDEST
from pipelines.tables import LAYERS

_DELTA_SOURCE = re.compile(r"DeltaSource\[(.*)\]")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class QueryRun:
    """One start of one query."""

    query_id: str
    run_id: str
    query: str

    @property
    def layer(self) -> str:
        """The first word of the name, which is that of the table that is written."""
        first = self.query.partition("_")[0]
        return first if first in LAYERS else "gold"


@dataclass(frozen=True)
class DeltaOffset:
    """How far a query has read a Delta table: all versions before `next_version`."""

    path: str
    next_version: int


@dataclass(frozen=True)
class Progress:
    """One word of a query. `duration_ms` is None if no micro-batch ran: it only says that there is nothing to do."""

    ended_at: datetime
    duration_ms: float | None
    input_rows: int
    latency_seconds: float | None
    behind_offsets: int | None
    behind_files: int | None
    behind_bytes: int | None
    state_rows: int | None
    state_bytes: int | None
    late_rows: int
    source: DeltaOffset | None
    behind_versions: int | None = None


@dataclass(frozen=True)
class MinuteRow:
    """A row of the table; its columns in their order."""

    minute: datetime
    run_id: str
    query_id: str
    query: str
    layer: str
    batches: int
    input_rows: int
    input_rows_per_second: float
    processed_rows_per_second: float | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    batch_p50_ms: float | None
    batch_p95_ms: float | None
    batch_max_ms: float | None
    behind_offsets: int | None
    behind_files: int | None
    behind_bytes: int | None
    behind_versions: int | None
    state_rows: int | None
    state_bytes: int | None
    late_rows_dropped: int
    model_version: str | None
    errors: int


@dataclass
class Said:
    """What one run has said in one minute."""

    progress: list[Progress] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    model_version: str | None = None
    errors: int = 0


class Minutes:
    """What has been said in minutes that are not over. What comes later of one that is counts in the next."""

    def __init__(self) -> None:
        self._said: dict[tuple[datetime, QueryRun], Said] = {}
        self._over: datetime | None = None

    def at(self, run: QueryRun, moment: datetime) -> Said:
        """Where to note what `run` said at `moment`."""
        minute = minute_of(moment)
        if self._over is not None:
            minute = max(minute, self._over)
        return self._said.setdefault((minute, run), Said())

    def finish(self, before: datetime) -> tuple[MinuteRow, ...]:
        """Take out the rows of all minutes that ended by `before`."""
        end = minute_of(before)
        self._over = end if self._over is None else max(end, self._over)
        over = sorted((key for key in self._said if key[0] < end), key=lambda key: (key[0], key[1].query))
        return tuple(minute_row(run, minute, self._said.pop((minute, run))) for minute, run in over)


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def read_progress(text: str) -> Progress:
    """`StreamingQueryProgress.json` → what of it counts."""
    told: dict[str, Any] = json.loads(text)
    durations = told["durationMs"]
    taken = float(durations.get("triggerExecution", 0))
    ended = datetime.fromisoformat(told["timestamp"]) + timedelta(milliseconds=taken)
    oldest = (told.get("observedMetrics") or {}).get(ARRIVALS, {}).get(OLDEST)
    sources: dict[str, str] = {}
    for source in told["sources"]:
        sources |= source.get("metrics") or {}
    states = told["stateOperators"]
    return Progress(
        ended_at=ended,
        # A trigger that finds nothing new plans no batch.
        duration_ms=taken if "addBatch" in durations else None,
        input_rows=int(told["numInputRows"]),
        latency_seconds=None if oldest is None else ended.timestamp() - int(oldest) / 1000,
        behind_offsets=_number(sources, "maxOffsetsBehindLatest"),
        behind_files=_number(sources, "numFilesOutstanding"),
        behind_bytes=_number(sources, "numBytesOutstanding"),
        state_rows=sum(int(state["numRowsTotal"]) for state in states) if states else None,
        state_bytes=sum(int(state["memoryUsedBytes"]) for state in states) if states else None,
        late_rows=sum(int(state["numRowsDroppedByWatermark"]) for state in states),
        source=next((offset for offset in map(_delta_offset, told["sources"]) if offset is not None), None),
    )


def minute_row(run: QueryRun, minute: datetime, said: Said) -> MinuteRow:
    batches = [one for one in said.progress if one.duration_ms is not None]
    durations = [one.duration_ms for one in batches if one.duration_ms is not None]
    told = [one.latency_seconds for one in batches if one.latency_seconds is not None]
    latencies = [*told, *said.latencies]
    rows, busy_ms = sum(one.input_rows for one in batches), sum(durations)
    return MinuteRow(
        minute=minute,
        run_id=run.run_id,
        query_id=run.query_id,
        query=run.query,
        layer=run.layer,
        batches=len(batches),
        input_rows=rows,
        input_rows_per_second=rows / _MINUTE.total_seconds(),
        processed_rows_per_second=rows / busy_ms * 1000 if busy_ms else None,
        latency_p50_seconds=nearest_rank(latencies, 0.5),
        latency_p95_seconds=nearest_rank(latencies, 0.95),
        latency_p99_seconds=nearest_rank(latencies, 0.99),
        batch_p50_ms=nearest_rank(durations, 0.5),
        batch_p95_ms=nearest_rank(durations, 0.95),
        batch_max_ms=nearest_rank(durations, 1.0),
        behind_offsets=_last(one.behind_offsets for one in said.progress),
        behind_files=_last(one.behind_files for one in said.progress),
        behind_bytes=_last(one.behind_bytes for one in said.progress),
        behind_versions=_last(one.behind_versions for one in said.progress),
        state_rows=_last(one.state_rows for one in said.progress),
        state_bytes=_last(one.state_bytes for one in said.progress),
        late_rows_dropped=sum(one.late_rows for one in batches),
        model_version=said.model_version,
        errors=said.errors,
    )


def nearest_rank(values: Sequence[float], share: float) -> float | None:
    """The smallest of the values that at least `share` of them do not exceed; None of none."""
    return float(np.quantile(values, share, method="inverted_cdf")) if values else None


def _delta_offset(source: dict[str, Any]) -> DeltaOffset | None:
    found, offset = _DELTA_SOURCE.fullmatch(str(source.get("description"))), source.get("endOffset")
    if found is None or not isinstance(offset, dict) or "reservoirVersion" not in offset:
        return None
    return DeltaOffset(found[1], int(offset["reservoirVersion"]))


def _number(metrics: dict[str, str], name: str) -> int | None:
    return int(float(metrics[name])) if name in metrics else None


def _last(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return known[-1] if known else None
