"""What operators say of anomalies: a small table, written without Spark so that saying it takes a second.

A verdict changes what is trained next:

- `false` (nothing was wrong) makes its series stricter, see `strictness`;
- `true` (it was an incident) keeps its rows from being learnt as usual, and is something to find in the evaluation;
- `expected` (known, such as a load test) keeps its rows from being learnt, and from being counted.
"""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipelines.detection.models.exclusions import Exclusion
from pipelines.errors import ModelError, StorageError
from pipelines.settings import Settings

TABLE = ("silver", "anomaly_feedback")
_STRICTEST = 2.0


class Verdict(StrEnum):
    """What an operator says of an anomaly."""

    TRUE = "true"
    FALSE = "false"
    EXPECTED = "expected"


@dataclass(frozen=True)
class Feedback:
    """A verdict on a series, on a metric of a resource, or on a resource as a whole, from `start_time` to `end_time`
    (UTC, both included). The fields are the table's columns."""

    verdict: Verdict
    start_time: datetime
    end_time: datetime
    given_by: str
    given_at: datetime
    series_id: int | None = None
    resource_id: str | None = None
    metric: str | None = None
    score_id: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.series_id is None and self.resource_id is None:
            raise ModelError("a verdict needs a series or a resource: give --series, or --resource (and --metric)")
        if self.start_time > self.end_time:
            raise ModelError(f"the verdict ends ({self.end_time}) before it begins ({self.start_time})")

    @property
    def feedback_id(self) -> str:
        """By what is said, so that saying it twice is the same."""
        said = (self.verdict, self.series_id, self.resource_id, self.metric, self.start_time, self.end_time)
        return hashlib.md5(repr((*map(str, said), self.given_by)).encode(), usedforsecurity=False).hexdigest()


def give(settings: Settings, feedback: Feedback) -> str:
    """Append a verdict; its id. One that is there already is not written twice. Raises StorageError."""
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import DeltaError

    if any(known.feedback_id == feedback.feedback_id for known in given(settings).feedback):
        return feedback.feedback_id
    path = settings.table_path(*TABLE)
    row = {**asdict(feedback), "verdict": str(feedback.verdict), "feedback_id": feedback.feedback_id}
    try:
        if not DeltaTable.is_deltatable(str(path)):
            path.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(str(path), schema(), mode="ignore", configuration=_PROPERTIES)
        write_deltalake(str(path), pa.Table.from_pylist([row], pa.schema(schema())), mode="append")
    except (OSError, DeltaError) as error:
        raise StorageError(f"table silver.anomaly_feedback at {path}: cannot be written: {error}") from error
    return feedback.feedback_id


@dataclass(frozen=True)
class Given:
    """All verdicts, in the order of their ids, as of a version of the table; None while there is no table."""

    version: int | None
    feedback: tuple[Feedback, ...]


def given(settings: Settings, version: int | None = None) -> Given:
    """The verdicts so far, or as of a version. Raises StorageError if that version cannot be read (any more)."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    path = str(settings.table_path(*TABLE))
    if version is None and not (Path(path).is_dir() and DeltaTable.is_deltatable(path)):
        return Given(None, ())
    try:
        table = DeltaTable(path, version=version)
        rows = table.to_pyarrow_table(columns=[field.name for field in fields(Feedback)]).to_pylist()
    except (OSError, DeltaError) as error:
        asked = "" if version is None else f" as of version {version}"
        raise StorageError(f"table silver.anomaly_feedback at {path}: cannot be read{asked}: {error}") from error
    told = {one.feedback_id: one for one in (Feedback(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows)}
    return Given(table.version(), tuple(told[name] for name in sorted(told)))


def windows(feedback: Iterable[Feedback], *verdicts: Verdict) -> tuple[Exclusion, ...]:
    """The stretches of which one of `verdicts` was given."""
    return tuple(
        Exclusion(
            one.start_time.astimezone(UTC),
            one.end_time.astimezone(UTC),
            f"verdict {one.verdict} by {one.given_by}",
            # What has a series needs no resource, and an id may hold what a glob would take for a pattern.
            "*" if one.series_id is not None or one.resource_id is None else glob.escape(one.resource_id),
            one.series_id,
            one.metric if one.series_id is None else None,
        )
        for one in feedback
        if one.verdict in verdicts
    )


def strictness(feedback: Iterable[Feedback], series_of: Mapping[tuple[str, str], tuple[int, ...]]) -> dict[int, float]:
    """How much more evidence a series takes, from its verdicts: `((1 + false) / (1 + true)) ^ (1/3)`, in [1, 2].

    One false alarm makes it 1.26, seven make it 2, and each true one takes some back; the one added to both is what a
    series without verdicts counts. A series at 1 is left out. `series_of`: (resource_id, metric) → its series, for
    verdicts that name no series; one on a whole resource is about no series.
    """
    counts: Counter[tuple[int, Verdict]] = Counter()
    for one in feedback:
        about = (
            (one.series_id,)
            if one.series_id is not None
            else series_of.get((one.resource_id or "", one.metric or ""), ())
        )
        counts.update((series, one.verdict) for series in about)
    factors = {}
    for series in sorted({series for series, _ in counts}):
        ratio = (1 + counts[series, Verdict.FALSE]) / (1 + counts[series, Verdict.TRUE])
        factors[series] = min(max(ratio ** (1 / 3), 1.0), _STRICTEST)
    return {series: factor for series, factor in factors.items() if factor > 1.0}


_PROPERTIES: Any = {"delta.logRetentionDuration": "interval 3650 days", "delta.enableDeletionVectors": "false"}


def schema() -> Any:
    """The columns of the contract, as deltalake takes them; importing the contract would import Spark."""
    from deltalake.schema import Field, PrimitiveType, Schema

    columns = (
        ("feedback_id", "string", False),
        ("verdict", "string", False),
        ("series_id", "long", True),
        ("resource_id", "string", True),
        ("metric", "string", True),
        ("start_time", "timestamp", False),
        ("end_time", "timestamp", False),
        ("score_id", "string", True),
        ("note", "string", True),
        ("given_by", "string", False),
        ("given_at", "timestamp", False),
    )
    return Schema([Field(name, PrimitiveType(kind), nullable=nullable) for name, kind, nullable in columns])
