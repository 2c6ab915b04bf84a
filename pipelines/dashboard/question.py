"""A question that a page asks of one table, and the rows that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Question(Generic[Row]):
    """`sql` asks `{table}`; its columns are the fields of `row`, a dataclass, in that order. `$name` are parameters.

    `made_by` is the command that makes the table. `base` and `time_column` are of a question about a time range, which
    has parameters `start` and `end`: only the files of `base` that hold times in it are read.
    """

    name: str
    table: str
    row: type[Row]
    sql: str
    made_by: str = "lakehouse refresh"
    base: str | None = None
    time_column: str | None = None

    @property
    def text(self) -> str:
        return self.sql.replace("{table}", self.table)
