"""Views over tables, each one SQL query that Spark and DuckDB both read: `schemas/views/<layer>/<view>.sql`.

The first line of such a file is a comment: the question that the view answers. `{base}` stands for the table it is made
of, which the second line names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.errors import ContractError
from pipelines.settings import SCHEMAS_DIR


@dataclass(frozen=True)
class View:
    """`base` is the full name of its table."""

    layer: str
    name: str
    question: str
    base: str
    text: str

    @property
    def full_name(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.base,)

    @property
    def select(self) -> str:
        """The query, over the table by its full name."""
        return self.sql(self.base)

    def sql(self, base: str) -> str:
        """The query, over a table or view of that name."""
        return self.text.replace("{base}", base)


@cache
def list_views(schemas_dir: Path = SCHEMAS_DIR) -> tuple[View, ...]:
    return tuple(_view(path) for path in sorted((schemas_dir / "views").glob("*/*.sql")))


def view(full_name: str, schemas_dir: Path = SCHEMAS_DIR) -> View:
    """The view `layer.name`. Raises ContractError if there is none."""
    found = [view for view in list_views(schemas_dir) if view.full_name == full_name]
    if not found:
        raise ContractError(f"view {full_name}: {schemas_dir / 'views'} has no file of it")
    return found[0]


def _view(path: Path) -> View:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    if not first.startswith("-- ") or not second.startswith("-- of "):
        raise ContractError(f"{path}: its first two lines are to be `-- <question>` and `-- of <layer>.<table>`")
    base = second.removeprefix("-- of ").strip()
    return View(path.parent.name, path.stem, first.removeprefix("-- "), base, path.read_text(encoding="utf-8"))
