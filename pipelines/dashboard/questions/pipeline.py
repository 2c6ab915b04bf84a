"""Whether the streams keep up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class Stream:
    """The last word of a query, and its last hour. `worst_p99_seconds`: of the slowest minute in it."""

    query: str
    layer: str
    last_word: datetime
    rows_per_second: float
    can_do: float | None
    latency_p95_seconds: float | None
    worst_p99_seconds: float | None
    batch_p95_ms: float | None
    behind_offsets: int | None
    behind_versions: int | None
    behind_files: int | None
    state_rows: int | None
    state_bytes: int | None
    late_rows_dropped: int
    errors: int
    model_version: str | None


@dataclass(frozen=True)
class Measured:
    """What a query did in a few minutes, in the unit of the measure that was asked for."""

    begin: datetime
    query: str
    value: float


STREAMS = Question(
    "streams",
    "gold.pipeline_health",
    Stream,
    """
    WITH hour AS (SELECT * FROM {table} WHERE minute > (SELECT max(minute) FROM {table}) - INTERVAL 1 HOUR)
    SELECT query, arg_max(layer, minute), max(minute), sum(input_rows) / (60 * count(DISTINCT minute)),
        median(processed_rows_per_second), median(latency_p95_seconds), max(latency_p99_seconds), median(batch_p95_ms),
        arg_max(behind_offsets, minute), arg_max(behind_versions, minute), arg_max(behind_files, minute),
        arg_max(state_rows, minute), arg_max(state_bytes, minute), sum(late_rows_dropped)::BIGINT, sum(errors)::BIGINT,
        arg_max(model_version, minute)
    FROM hour GROUP BY query
    ORDER BY CASE arg_max(layer, minute) WHEN 'bronze' THEN 0 WHEN 'silver' THEN 1 ELSE 2 END, query
    """,
    made_by="lakehouse run all",
)

MEASURED = Question(
    "measures of streams",
    "gold.pipeline_health",
    Measured,
    """
    SELECT time_bucket(to_minutes($bucket::INT), minute), query,
        (CASE $measure WHEN 'p95' THEN max(latency_p95_seconds) WHEN 'p99' THEN max(latency_p99_seconds)
            WHEN 'rows' THEN sum(input_rows) / (60.0 * $bucket::INT) WHEN 'records' THEN max(behind_offsets)
            WHEN 'commits' THEN max(behind_versions) ELSE max(state_bytes) / 1e6 END)::DOUBLE AS value
    FROM {table} WHERE minute > (SELECT max(minute) FROM {table}) - to_hours($hours::INT)
    GROUP BY 1, 2 HAVING value IS NOT NULL ORDER BY 1, 2
    """,
    made_by="lakehouse run all",
)
