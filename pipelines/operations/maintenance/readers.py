"""How far each stream has read a table: what it has not read yet must stay on disk.

A stream notes where it is in its checkpoint: the version of the table that it reads next. Files of that version and
later ones may have been replaced by compaction, but the stream still asks for them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import StorageError
from pipelines.settings import Settings

_LOG = "_delta_log"


@dataclass(frozen=True)
class Position:
    """The version of the table (by its Delta id) that query `query` reads next.

    `is_first`: it is still at the rows that the table had, at that version, when the query was made. `is_within`: it
    has read a part of that version.
    """

    query: str
    table_id: str
    version: int
    is_first: bool = False
    is_within: bool = False


def positions(settings: Settings) -> tuple[Position, ...]:
    """Of all streams that have a checkpoint, one for each table that they read."""
    folders = sorted(settings.checkpoint_path("").glob("*/offsets"))
    return tuple(position for folder in folders for position in _of_query(folder.parent))


def oldest_need(table_id: str, log: Path, reads: tuple[Position, ...]) -> datetime | None:
    """Since when (UTC) replaced files may still be asked for; None if all streams have read all.

    Raises StorageError if a stream is behind the table's log: what it needs cannot be told.
    """
    moments = []
    newest = max((int(path.stem) for path in log.glob("[0-9]*.json") if path.stem.isdigit()), default=-1)
    for one in reads:
        if one.table_id != table_id or one.version > newest:
            continue
        commit = log / f"{one.version:020d}.json"
        try:
            moments.append(commit.stat().st_mtime)
        except FileNotFoundError as error:
            raise StorageError(
                f"stream {one.query} has not read {log.parent} since version {one.version}, which the table's log no "
                "longer has: run it, or rebuild it (docs/operations.md, Checkpoints) or remove its checkpoint"
            ) from error
    return datetime.fromtimestamp(min(moments), UTC) if moments else None


def query_id(checkpoint: Path) -> str | None:
    """None if there is no such checkpoint."""
    metadata = checkpoint / "metadata"
    return str(json.loads(metadata.read_text(encoding="utf-8"))["id"]) if metadata.exists() else None


def positions_after(checkpoint: Path, batch: int) -> tuple[Position, ...]:
    """Of the query of `checkpoint`, once it has ended `batch`; none if the checkpoint does not have that batch."""
    try:
        lines = (checkpoint / "offsets" / str(batch)).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    found = []
    for line in lines[2:]:  # after the version of the format and the batch's own facts
        offset = json.loads(line) if line.startswith("{") else {}
        if "reservoirId" in offset:
            is_first = bool(offset.get("isStartingVersion", False))
            version, is_within = int(offset["reservoirVersion"]), int(offset["index"]) >= 0
            found.append(Position(checkpoint.name, offset["reservoirId"], version, is_first, is_within))
    return tuple(found)


def _of_query(checkpoint: Path) -> tuple[Position, ...]:
    """None if it is begun and not yet at its first batch."""
    return positions_after(checkpoint, max(_numbers(checkpoint / "commits"), default=0))


def _numbers(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
