"""The queries of the notebooks: each notebook is run once, here and without a kernel, and what it asks is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from pipelines.operations import query
from pipelines.operations.query import Answer, Listed
from pipelines.operations.time_pruning import Within
from pipelines.settings import PROJECT_DIR

NOTEBOOKS = PROJECT_DIR / "notebooks"


@dataclass(frozen=True)
class Asked:
    """A query as a cell of a notebook asked it."""

    notebook: str
    cell: str
    sql: str
    parameters: Mapping[str, Any]
    tables: tuple[Listed, ...]
    within: Sequence[Within]

    def ask(self) -> int:
        """Ask it again; how many rows there are."""
        with query.connect(self.tables, self.sql, self.within) as connection:
            return len(query.fetch(connection, self.sql, self.tables, parameters=self.parameters).rows)


def asked_by_notebooks(root: Path) -> list[Asked]:
    """Over the tables at `root`. A cell that fails fails this."""
    return [one for path in sorted(NOTEBOOKS.glob("*.ipynb")) for one in _asked(path, root)]


def _asked(path: Path, root: Path) -> list[Asked]:
    found: list[Asked] = []
    place: dict[str, Any] = {"cell": "", "within": ()}
    connect, fetch = query.connect, query.fetch

    @contextmanager
    def connecting(
        tables: tuple[Listed, ...], mentioned_in: str, within: Sequence[Within] = ()
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        place["within"] = within
        with connect(tables, mentioned_in, within) as connection:
            yield connection

    def fetching(
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        tables: tuple[Listed, ...],
        limit: int | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Answer:
        found.append(Asked(path.stem, place["cell"], sql, dict(parameters or {}), tables, place["within"]))
        return fetch(connection, sql, tables, limit, parameters)

    environment = {"LAKEHOUSE_ROOT": str(root), "LAKEHOUSE_TRUTH": str(root / "none"), "MPLBACKEND": "Agg"}
    with (
        patch.dict(os.environ, environment),
        patch.object(query, "connect", connecting),
        patch.object(query, "fetch", fetching),
        patch("IPython.display.display", lambda *shown: None),
    ):
        names: dict[str, Any] = {}
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                place["cell"] = cell["id"]
                exec(compile("".join(cell["source"]), f"{path.name}, cell {cell['id']}", "exec"), names)
    return found
