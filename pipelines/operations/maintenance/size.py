"""How many files, and how large: what readers of a table read, and all that lies in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from pipelines.settings import Settings
from pipelines.tables import Table, delta_table


@dataclass(frozen=True)
class Size:
    files: int
    bytes: int


NONE = Size(0, 0)


def size_of_table(spark: SparkSession, settings: Settings, table: Table) -> Size:
    """The files that a reader of the table's newest version reads."""
    detail = delta_table(spark, settings, table).detail().select("numFiles", "sizeInBytes").first()
    assert detail is not None
    return Size(int(detail["numFiles"]), int(detail["sizeInBytes"]))


def size_of_folder(folder: Path) -> Size:
    """All files below it; a stream may remove some meanwhile."""
    files = total = 0
    for path in folder.rglob("*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file():
            files, total = files + 1, total + found.st_size
    return Size(files, total)
