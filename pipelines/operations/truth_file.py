"""The simulator's truth file, read back: what really happened to whom, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import StorageError

AGENT_SILENT = "agent_silent"


@dataclass(frozen=True)
class Happened:
    """One incident. Times are UTC without a zone, as in a query's answer; `end` is None while it lasts."""

    kind: str
    resource_id: str
    host: str
    metric: str | None
    instance: str | None
    start: datetime
    end: datetime | None


def read_truth(path: Path) -> tuple[Happened, ...]:
    """Every incident of the file, by start. Raises StorageError naming the file and line."""
    happened = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"truth file {path} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
            if content["kind"] != "summary":
                happened.append(_happened(content))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"truth file {path}, line {number}: not an incident: {error}") from error
    return tuple(sorted(happened, key=lambda incident: incident.start))


def _happened(content: dict[str, str | None]) -> Happened:
    start = _moment(content["start"])
    if start is None:
        raise ValueError("it has no start")
    return Happened(
        kind=str(content["kind"]),
        resource_id=str(content["resource_id"]),
        host=str(content["host"]),
        metric=content["metric"],
        instance=content["instance"],
        start=start,
        end=_moment(content["end"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
