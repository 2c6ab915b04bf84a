"""Answers to the pages' questions, kept for as long as the table they come from does not change."""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipelines.dashboard.question import Question
from pipelines.errors import QueryError
from pipelines.operations.query import Listed, connect, fetch, list_tables, span
from pipelines.operations.time_pruning import Span, Within
from pipelines.settings import Settings
from pipelines.views import list_views

Row = TypeVar("Row")
_KEPT_ANSWERS = 256
_COMMIT = re.compile(r"(\d{20})\.json")


class NotYetMadeError(QueryError):
    """A table of a question has not been created. `made_by` is the command that does it."""

    def __init__(self, table: str, made_by: str) -> None:
        super().__init__(f"{table} has not been made yet: `{made_by}` makes it")
        self.table, self.made_by = table, made_by


@dataclass
class Answers:
    """One for the process; threads share it. A table is known to be the same by the newest commit in its log."""

    settings: Settings
    _kept: OrderedDict[Any, tuple[str | None, Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: Question[Row], **parameters: Any) -> tuple[Row, ...]:
        """The rows. Raises NotYetMadeError if the table is not there, QueryError if it cannot be read."""
        table = self._table(question)
        key = question.name, tuple(sorted(parameters.items()))
        version = newest_commit(table.path)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(key)
                found: tuple[Row, ...] = kept[1]
                return found
        rows = self.ask_anew(question, **parameters)
        with self._lock:
            self._kept[key] = version, rows
            while len(self._kept) > _KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return rows

    def ask_anew(self, question: Question[Row], **parameters: Any) -> tuple[Row, ...]:
        """The same, without what is kept."""
        tables = list_tables(self.settings)
        within: tuple[Within, ...] = ()
        if question.time_column is not None:
            base = question.base or question.table
            within = (Within(base, question.time_column, parameters["start"], parameters["end"]),)
        with connect(tables, question.text, within) as connection:
            answer = fetch(connection, question.text, tables, parameters=parameters)
        return tuple(question.row(*row) for row in answer.rows)

    def has(self, question: Question[Any]) -> bool:
        """Whether its table has been made."""
        found = self._find(question)
        return found is not None and found.exists

    def span(self, question: Question[Any]) -> Span | None:
        """The times that the table of the question has; None if its log tells of no row."""
        assert question.time_column is not None
        return span(self._table(question), question.time_column)

    def _table(self, question: Question[Any]) -> Listed:
        found = self._find(question)
        if found is None or not found.exists:
            raise NotYetMadeError(question.table, question.made_by)
        return found

    def _find(self, question: Question[Any]) -> Listed | None:
        view = next((view for view in list_views() if view.full_name == question.table), None)
        name = question.base or (view.base if view else question.table)
        return next((table for table in list_tables(self.settings) if table.full_name == name), None)


def newest_commit(table: Path) -> str | None:
    """The number of the last commit in a table's log. Raises QueryError if the folder cannot be read."""
    try:
        with os.scandir(table / "_delta_log") as entries:
            commits = [match[1] for entry in entries if (match := _COMMIT.fullmatch(entry.name))]
    except OSError as error:
        raise QueryError(f"table at {table} cannot be read: {error}") from error
    return max(commits, default=None)
