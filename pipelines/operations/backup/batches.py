"""How far each query was at one moment, and the files of its checkpoint as of then.

A checkpoint that is merely older than its table is not safe to start from: the next batch may take in more than the
one of the same number that the table has, and the table would refuse all of it as known. So what is copied is bounded
by a batch: `committed` is the last one that has ended, `begun` the last one whose content is fixed (its offsets are
written). A table may have rows of `begun`: it will be repeated with the very same content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.settings import Settings

# A version of a state, as RocksDB's changelogs and snapshots are named; batch n makes version n + 1.
_STATE = re.compile(r"(\d+)(_[^.]*)?\.(zip|changelog|delta|snapshot)")
_FIRST = ("silver", "bronze")


@dataclass(frozen=True)
class Query:
    """`committed` and `begun` are numbers of batches, -1 where there is none yet."""

    name: str
    id: str
    folder: Path
    committed: int
    begun: int

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """Of each Delta table that it reads, the id and the version up to which it has (excluded)."""
        if self.begun < 0:
            return ()
        lines = (self.folder / "offsets" / str(self.begun)).read_text(encoding="utf-8").splitlines()[2:]
        offsets = [json.loads(line) for line in lines if line.startswith("{")]
        # Where an index is told, the version is read in part; else all of the versions before it.
        return tuple(
            (one["reservoirId"], int(one["reservoirVersion"]) + (int(one["index"]) >= 0))
            for one in offsets
            if "reservoirId" in one
        )

    def files(self) -> Iterator[Path]:
        """What a start at `begun` needs. Files that come or go meanwhile are of other batches."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.name.startswith(".") and self._is_wanted(path):
                yield path

    @property
    def is_kept(self) -> bool:
        """Whether the query still keeps the batch: it removes what is older than a hundred batches."""
        return self.committed < 0 or (self.folder / "commits" / str(self.committed)).exists()

    def _is_wanted(self, path: Path) -> bool:
        kind = path.relative_to(self.folder).parts[0]
        if kind in ("commits", "offsets") and path.name.isdigit():
            return int(path.name) <= (self.committed if kind == "commits" else self.begun)
        version = _STATE.fullmatch(path.name) if kind == "state" else None
        return version is None or int(version[1]) <= self.committed + 1


def queries(settings: Settings) -> tuple[Query, ...]:
    """All that have a checkpoint, those that others read last: no reader is ahead of what it reads."""
    folders = [path.parent for path in settings.checkpoint_path("").glob("*/metadata")]
    folders.sort(key=lambda folder: (_FIRST.index(folder.name) if folder.name in _FIRST else -1, folder.name))
    return tuple(_query(folder) for folder in folders)


def _query(folder: Path) -> Query:
    identity = str(json.loads((folder / "metadata").read_text(encoding="utf-8"))["id"])
    committed = _last(folder / "commits")  # before the offsets: what ends now has begun
    return Query(folder.name, identity, folder, committed, _last(folder / "offsets"))


def _last(folder: Path) -> int:
    return max((int(path.name) for path in folder.glob("*") if path.name.isdigit()), default=-1)
