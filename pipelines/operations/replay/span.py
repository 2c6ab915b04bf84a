"""What is made anew: what arrived in bronze from one moment to another, of all topics or of some.

By `ingest_time`, the time of the micro-batch that wrote a value to bronze: silver has it from there in every row, it
only grows, and no producer can choose it, as it can the Kafka timestamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.errors import SettingsError


@dataclass(frozen=True)
class Span:
    """From `start`, included, to `end`, excluded (UTC). No topics: all. Raises SettingsError if it is empty."""

    start: datetime
    end: datetime
    topics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise SettingsError(f"--to is {self.end.isoformat()}: should be after --from ({self.start.isoformat()})")

    @property
    def condition(self) -> str:
        """SQL, of rows of bronze and silver alike."""
        start, end = (f"TIMESTAMP'{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'" for at in (self.start, self.end))
        within = f"ingest_time >= {start} AND ingest_time < {end}"
        if not self.topics:
            return within
        names = ", ".join("'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'" for name in self.topics)
        return f"{within} AND topic IN ({names})"

    def __str__(self) -> str:
        times = (
            f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ} to {self.end.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        )
        return f"{times} of {', '.join(self.topics)}" if self.topics else times
