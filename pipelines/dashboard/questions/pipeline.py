"""Whether the streams keep up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Stream:
    """The last word of a query, and its last hour."""

    query: str
    layer: str
    last_word: datetime
    rows_per_second: float
    latency_p95_seconds: float | None
    batch_p95_ms: float | None
    behind_offsets: int | None
    behind_files: int | None
    state_rows: int | None
    late_rows_dropped: int
    errors: int


@dataclass(frozen=True)
class MinuteOfStream:
    minute: datetime
    query: str
    latency_p95_seconds: float


STREAMS = Question(
    "streams",
    "gold.pipeline_health",
    Stream,
    """
    WITH hour AS (SELECT * FROM {table} WHERE minute > (SELECT max(minute) FROM {table}) - INTERVAL 1 HOUR)
    SELECT query, arg_max(layer, minute), max(minute), sum(input_rows) / (60 * count(DISTINCT minute)),
        median(latency_p95_seconds), median(batch_p95_ms), arg_max(behind_offsets, minute),
        arg_max(behind_files, minute), arg_max(state_rows, minute), sum(late_rows_dropped)::BIGINT, sum(errors)::BIGINT
    FROM hour GROUP BY query
    ORDER BY CASE arg_max(layer, minute) WHEN 'bronze' THEN 0 WHEN 'silver' THEN 1 ELSE 2 END, query
    """,
    made_by="lakehouse run all",
)

LATENCIES = Question(
    "latencies",
    "gold.pipeline_health",
    MinuteOfStream,
    """
    SELECT time_bucket(INTERVAL 5 MINUTE, minute), query, max(latency_p95_seconds)
    FROM {table}
    WHERE minute > (SELECT max(minute) FROM {table}) - INTERVAL 1 DAY AND latency_p95_seconds IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2
    """,
    made_by="lakehouse run all",
)
