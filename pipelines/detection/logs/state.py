"""What the log detector knows after a batch, and its snapshots: a folder a batch, so that a batch can be repeated.

A batch starts from the snapshot of the one before it. So a second time it gives what it gave the first time, wherever
it was killed. The two latest snapshots are kept: the last batch may have to be repeated.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from pipelines.errors import StorageError

# Times are microseconds since 1970, minutes are minutes since 1970. A severity of 0 is none.
SCHEMAS = {
    "patterns": pa.schema(
        [
            *((name, pa.string()) for name in ("pattern_id", "founder", "template", "source", "logger", "example")),
            *((name, pa.int64()) for name in ("severity", "first_seen", "last_seen", "count")),
            ("announced", pa.bool_()),
            ("resources", pa.list_(pa.int64())),
        ]
    ),
    "resources": pa.schema(
        [
            *((name, pa.string()) for name in ("resource_id", "host_name")),
            *((name, pa.int64()) for name in ("first_minute", "newest_minute", "messages")),
            *((name, pa.int64()) for name in ("kafka_timestamp", "ingest_time", "closed_before", "closed_to", "lag")),
        ]
    ),
    "series": pa.schema([("resource_id", pa.string()), ("severity_class", pa.int64()), ("last_minute", pa.int64())]),
    "open_minutes": pa.schema(
        [("resource_id", pa.string()), *((name, pa.int64()) for name in ("severity_class", "minute", "count"))]
    ),
}


@dataclass(frozen=True)
class LogState:
    """`patterns`: in the order of their founding. `resources`: those heard of lately. `series`: the volume series, row
    by row those of `detector`, the states of the univariate detector of that `detector_version`. `open_minutes`: counts
    of minutes that are not over. Columns as in SCHEMAS."""

    patterns: pd.DataFrame
    resources: pd.DataFrame
    series: pd.DataFrame
    open_minutes: pd.DataFrame
    detector: NDArray[np.float64]
    detector_version: str


def blank_state() -> LogState:
    frames = {name: schema.empty_table().to_pandas() for name, schema in SCHEMAS.items()}
    return LogState(**frames, detector=np.empty((0, 0)), detector_version="")


def snapshots_of(root: Path, query: str) -> Path:
    """The folder of the snapshots of a query (its id: a new checkpoint begins anew)."""
    return root / "_detection" / "log_patterns" / query


def load_state(folder: Path, batch_id: int) -> LogState:
    """The state that batch `batch_id` starts from. Raises StorageError if its snapshot is missing."""
    if batch_id == 0:
        return blank_state()
    before = folder / str(batch_id - 1)
    try:
        frames = {name: feather.read_feather(before / f"{name}.arrow") for name in SCHEMAS}
        version = (before / "detector_version").read_text()
        return LogState(**frames, detector=np.load(before / "detector.npy"), detector_version=version)
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise StorageError(
            f"query silver_log_patterns: batch {batch_id} starts from {before}, which cannot be read ({error}); bring "
            "it back, or delete the query's checkpoint to learn the patterns anew"
        ) from error


def save_state(state: LogState, folder: Path, batch_id: int) -> None:
    """Write the snapshot of a batch, whole or not at all, and delete those before the last."""
    scratch, final = folder / f".{batch_id}", folder / str(batch_id)
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for field in fields(state):
            value = getattr(state, field.name)
            if field.name in SCHEMAS:
                table = pa.Table.from_pandas(value, SCHEMAS[field.name], preserve_index=False)
                feather.write_feather(table, scratch / f"{field.name}.arrow")
        np.save(scratch / "detector.npy", state.detector)
        (scratch / "detector_version").write_text(state.detector_version)
        if final.exists():  # of a first try at this batch, which starts from another; nothing is lost
            shutil.rmtree(final)
        scratch.rename(final)
        for other in folder.iterdir():
            if other.name.isdecimal() and int(other.name) < batch_id - 1:
                shutil.rmtree(other)
    except OSError as error:
        raise StorageError(f"query silver_log_patterns: {final} cannot be written: {error}") from error
