"""Each question of the dashboard is held against the contract of its table: its columns are there, and it runs."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest

from pipelines.dashboard.answers import Answers
from pipelines.dashboard.question import Question
from pipelines.dashboard.questions import (
    alerts,
    compliance,
    cost,
    fleet,
    forecasts,
    incidents,
    pipeline,
    quality,
    security,
    series,
)
from pipelines.operations.query import connect, fetch, list_tables
from pipelines.settings import Settings, load_settings
from pipelines.views import list_views
from tests.gold_tables import write_rows

QUESTIONS: tuple[Question[Any], ...] = tuple(
    value
    for module in (alerts, compliance, cost, fleet, forecasts, incidents, pipeline, quality, security, series)
    for value in vars(module).values()
    if isinstance(value, Question)
)
PARAMETERS: dict[str, Any] = {
    "by": "service", "days": 30, "series": 1, "resource": "a", "metric": "cpu", "detector": "univariate",
    "incident": "x", "finding": "x", "severity": "high", "tactic": "Execution", "actor": "a", "account": "a",
    "control": "c", "measure": "p95", "hours": 24, "bucket": 5, "start": datetime(2026, 3, 1),
    "end": datetime(2026, 3, 2),
}  # fmt: skip


def parameters(question: Question[Any]) -> dict[str, Any]:
    return {name: value for name, value in PARAMETERS.items() if f"${name}" in question.sql}


def base(question: Question[Any]) -> str:
    view = next((view for view in list_views() if view.full_name == question.table), None)
    return view.base if view else question.table


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Every table that is asked, as its contract makes it, without a row."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("empty"))})
    for table in sorted({base(question) for question in QUESTIONS}):
        write_rows(settings, table, [])
    return settings


def test_there_are_questions_of_every_page() -> None:
    assert len(QUESTIONS) > 30
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS), "answers are kept by name"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_can_be_asked_of_its_table(empty: Settings, question: Question[Any]) -> None:
    tables = list_tables(empty)
    with connect(tables, question.text) as connection:
        answer = fetch(connection, question.text, tables, parameters=parameters(question))

    assert len(answer.columns) == len(fields(question.row)), "a column for each field"
    Answers(empty).ask(question, **parameters(question))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_asks_gold_alone_and_names_its_table_once(question: Question[Any]) -> None:
    assert question.table.startswith("gold.")
    assert "silver." not in question.sql
    assert "gold." not in question.sql
    assert "{table}" in question.sql


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_what_bounds_the_files_bounds_the_rows_too(question: Question[Any]) -> None:
    if question.time_column is None:
        assert "$start" not in question.sql
    else:
        assert f"{question.time_column} >= $start AND {question.time_column} < $end" in " ".join(question.sql.split())
        assert question.base == base(question)
