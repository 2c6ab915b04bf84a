"""The files of a Delta table as of a version: its log up to then, and all data that the log still speaks of.

Not the rows of that version alone: a stream that is behind reads files that compaction has replaced since, and the
change data feed reads those of each change. What vacuum has removed is not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

from pipelines.errors import StorageError

_NUMBERED = re.compile(r"(\d{20})\.(json|crc|checkpoint\..*parquet)")
_LAST = "_last_checkpoint"


def table_id(folder: Path) -> str:
    return str(DeltaTable(str(folder)).metadata().id)


def files_of(folder: Path, version: int) -> Iterator[Path]:
    """Raises StorageError if a file of the version itself is missing."""
    data = set(_active(folder, version))
    missing = [name for name in sorted(data) if not (folder / name).is_file()]
    if missing:
        raise StorageError(f"table {folder}: {missing[0]} of version {version} is missing: it cannot be backed up")
    log = [path for path in sorted((folder / "_delta_log").iterdir()) if _is_up_to(path, version)]
    for path in log:
        if path.suffix == ".json":
            data |= {name for name in _spoken_of(path) if (folder / name).is_file()}
    yield from (folder / name for name in sorted(data))
    yield from log


def _active(folder: Path, version: int) -> Iterator[str]:
    for uri in DeltaTable(str(folder), version=version).file_uris():
        yield str(Path(unquote(uri.removeprefix("file://"))).relative_to(folder))


def _spoken_of(commit: Path) -> Iterator[str]:
    for line in commit.read_text(encoding="utf-8").splitlines():
        action = json.loads(line)
        for kind in ("add", "cdc", "remove"):
            if kind in action:
                yield unquote(action[kind]["path"])


def _is_up_to(path: Path, version: int) -> bool:
    if path.name == _LAST:
        return int(json.loads(path.read_text(encoding="utf-8"))["version"]) <= version
    numbered = _NUMBERED.fullmatch(path.name)
    return numbered is not None and int(numbered[1]) <= version
