"""What really happened in a simulation, one JSON object a line, for tests and detectors to be held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pipelines.errors import StorageError


class IncidentKind(StrEnum):
    """Faults to be found, and (restart, gap) harmless things that should not be mistaken for one."""

    AGENT_SILENT = "agent_silent"
    CPU_SATURATION = "cpu_saturation"
    MEMORY_LEAK = "memory_leak"
    DISK_FILLING = "disk_filling"
    NOISY_LATENCY = "noisy_latency"
    RESTART = "restart"
    GAP = "gap"


def time_text(epoch_ms: int) -> str:
    """Epoch milliseconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One thing that happened to one machine between two moments (`end_ms` None: still going at the end)."""

    kind: IncidentKind
    topic: str
    resource_id: str
    host: str
    start_ms: int
    end_ms: int | None
    seed: int
    metric: str | None = None
    instance: str | None = None
    """Which disk, when the metric has one series for each."""

    def to_json(self) -> str:
        end = None if self.end_ms is None else time_text(self.end_ms)
        content = {
            "kind": self.kind.value,
            "topic": self.topic,
            "resource_id": self.resource_id,
            "host": self.host,
            "metric": self.metric,
            "instance": self.instance,
            "start": time_text(self.start_ms),
            "end": end,
            "seed": self.seed,
        }
        return json.dumps(content)


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicCounts:
    """What was emitted to one topic. items = unique + duplicates + ignored + the sum of bad.

    A value that cannot be split into records, a tombstone and a control message count as one item each. `late` and
    `nan` are part of `unique`: late items came after their time, and `nan` are well-formed samples without a number.
    """

    topic: str
    values: int
    items: int
    unique: int
    duplicates: int
    ignored: int
    late: int
    nan: int
    bad: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Counts of everything emitted until `end_ms`, by topic."""

    seed: int
    start_ms: int
    end_ms: int
    topics: tuple[TopicCounts, ...]

    def __getitem__(self, topic: str) -> TopicCounts:
        return next(counts for counts in self.topics if counts.topic == topic)

    @property
    def items(self) -> int:
        return sum(counts.items for counts in self.topics)

    def to_json(self) -> str:
        by_topic = {
            counts.topic: {
                "values": counts.values,
                "items": counts.items,
                "unique": counts.unique,
                "duplicates": counts.duplicates,
                "ignored": counts.ignored,
                "late": counts.late,
                "nan": counts.nan,
                "bad": dict(counts.bad),
            }
            for counts in self.topics
        }
        span = {"start": time_text(self.start_ms), "end": time_text(self.end_ms)}
        return json.dumps({"kind": "summary", "seed": self.seed, **span, "topics": by_topic})


def write_truth(path: Path, incidents: Iterable[Incident], summary: Summary) -> None:
    """Write the incidents by start time, then the summary as the last line. Raises StorageError naming the file."""
    ordered = sorted(incidents, key=lambda incident: (incident.start_ms, incident.resource_id, incident.kind))
    lines = [incident.to_json() for incident in ordered] + [summary.to_json()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"truth file {path} cannot be written: {error.strerror}; choose another --truth") from error
