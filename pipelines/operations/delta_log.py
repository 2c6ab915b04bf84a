"""What the log of a Delta table on disk says, without Spark."""

from __future__ import annotations

from pathlib import Path


def newest_version(folder: Path) -> int:
    """-1 if the folder holds no table."""
    names = (path.stem for path in (folder / "_delta_log").glob("[0-9]*.json"))
    return max((int(name) for name in names if name.isdigit()), default=-1)
