"""Old files below the root that belong to no table: results and pages of checks, what ended queries left behind.

Checkpoints of queries and the logs of tables are kept short by Spark and Delta themselves.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pipelines.operations.maintenance.record import DONE, NOTHING, Effect
from pipelines.operations.maintenance.size import Size, size_of_folder
from pipelines.settings import Settings

_CHECKS = ("results", "data_docs")
_STATES = ("_quality/counts", "_detection/log_patterns")  # folders below these have the ids of queries as their names


def remove_old_files(settings: Settings, since: datetime) -> Effect:
    """Remove what was last written before `since` and nothing refers to any more."""
    folders = [settings.quality_dir / name for name in _CHECKS] + [settings.root / name for name in _STATES]
    before = _total(folders)
    for name in _CHECKS:
        _remove_files(settings.quality_dir / name, since)
    alive = set(_query_ids(settings))
    for folder in (settings.root / name for name in _STATES):
        _remove_of_ended(folder, alive, since)
    after = _total(folders)
    return Effect(before, after, 0, DONE if after != before else NOTHING)


def _remove_files(folder: Path, since: datetime) -> None:
    """Files, and the folders that are empty then. The index of the pages is written anew with each check."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != "index.html" and path.stat().st_mtime < since.timestamp():
            path.unlink()


def _remove_of_ended(folder: Path, alive: set[str], since: datetime) -> None:
    for of_query in folder.glob("*/"):
        counts_wait = any(of_query.glob("*.json"))
        if of_query.name not in alive and not counts_wait and of_query.stat().st_mtime < since.timestamp():
            shutil.rmtree(of_query)


def _query_ids(settings: Settings) -> Iterator[str]:
    for path in settings.checkpoint_path("").glob("*/metadata"):
        yield str(json.loads(path.read_text(encoding="utf-8"))["id"])


def _total(folders: list[Path]) -> Size:
    sizes = [size_of_folder(folder) for folder in folders]
    return Size(sum(size.files for size in sizes), sum(size.bytes for size in sizes))
