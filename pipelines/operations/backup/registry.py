"""The model registry of the root: its database as of one moment, and the paths in it once it lies elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

DATABASE = "mlflow.db"
POINTER = "champion.json"


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy, also while others write."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def relocate(models: Path, old_root: str, new_root: str) -> None:
    """Where the registry in `models` says that its files are below `old_root`, let it say `new_root`."""
    if old_root == new_root:
        return
    pointer = models / POINTER
    if pointer.exists():
        pointer.write_text(
            pointer.read_text(encoding="utf-8").replace(f"{old_root}/", f"{new_root}/"), encoding="utf-8"
        )
    database = models / DATABASE
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in names:
            columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            for column in (row[1] for row in columns if "CHAR" in row[2].upper() or "TEXT" in row[2].upper()):
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE instr("{column}", ?) > 0',
                    (f"{old_root}/", f"{new_root}/", f"{old_root}/"),
                )
