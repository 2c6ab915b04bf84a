"""An answer is kept until its table changes; a table that is not there is told with what makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from pipelines.dashboard.answers import Answers, NotYetMadeError
from pipelines.dashboard.questions.alerts import ACTIVE
from pipelines.dashboard.questions.fleet import AGENTS
from pipelines.dashboard.questions.series import POINTS, SCORED
from pipelines.errors import QueryError
from pipelines.operations.query import list_tables
from pipelines.operations.time_pruning import Within, files_within, time_span
from pipelines.settings import Settings, load_settings
from tests.gold_tables import write_rows

NOON = datetime(2026, 3, 2, 12)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)})


def score(at: datetime, value: float) -> dict[str, object]:
    return {
        "resource_id": "a",
        "metric": "cpu",
        "series_id": 1,
        "detector": "univariate",
        "event_time": at,
        "value": value,
    }


def test_an_answer_is_kept_until_the_table_changes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = Answers(settings), []
    anew = answers.ask_anew
    monkeypatch.setattr(answers, "ask_anew", lambda *given, **named: asked.append(1) or anew(*given, **named))
    write_rows(settings, "gold.agent_health", [{"resource_id": "a", "state": "connected"}])

    assert [agent.resource_id for agent in answers.ask(AGENTS)] == ["a"]
    assert answers.ask(AGENTS) is answers.ask(AGENTS)
    assert len(asked) == 1
    write_rows(settings, "gold.agent_health", [{"resource_id": "b", "state": "late"}])
    assert sorted(agent.resource_id for agent in answers.ask(AGENTS)) == ["a", "b"]
    assert len(asked) == 2


def test_a_table_that_is_not_there_is_told_with_what_makes_it(settings: Settings) -> None:
    with pytest.raises(NotYetMadeError, match=r"gold\.alerts has not been made yet: `lakehouse alerts run` makes it"):
        Answers(settings).ask(ACTIVE)


def test_a_broken_table_is_an_error_of_ours(settings: Settings) -> None:
    (settings.table_path("gold", "alerts") / "_delta_log").mkdir(parents=True)

    with pytest.raises(QueryError, match="cannot be read"):
        Answers(settings).ask(ACTIVE)


def test_only_files_of_the_time_range_are_opened(settings: Settings) -> None:
    for day in range(5):
        write_rows(settings, "silver.anomaly_scores", [score(NOON + timedelta(days=day), float(day))])
    delta = DeltaTable(str(settings.table_path("silver", "anomaly_scores")))

    def files(start: datetime, end: datetime) -> int:
        return len(files_within(delta, Within("silver.anomaly_scores", "event_time", start, end)))

    assert len(delta.file_uris()) == 5
    assert files(NOON + timedelta(days=1), NOON + timedelta(days=3)) == 2, "the end is not part of the range"
    assert files(NOON - timedelta(days=9), NOON - timedelta(days=8)) == 0
    span = time_span(delta, "event_time")
    assert span is not None
    assert (span.first, span.last) == (NOON, NOON + timedelta(days=4))
    found = Answers(settings).ask(SCORED, start=NOON + timedelta(days=1), end=NOON + timedelta(days=3))
    assert [one.scores for one in found] == [2]


def test_a_column_without_statistics_prunes_nothing(settings: Settings) -> None:
    write_rows(settings, "silver.anomaly_scores", [score(NOON, 1.0)])
    delta = DeltaTable(str(settings.table_path("silver", "anomaly_scores")))

    assert len(files_within(delta, Within("silver.anomaly_scores", "metric", NOON, NOON))) == 1
    assert time_span(delta, "metric") is None


def test_a_table_without_rows_has_no_time(settings: Settings) -> None:
    write_rows(settings, "silver.anomaly_scores", [])

    assert Answers(settings).span(POINTS) is None


def test_a_value_of_the_reader_is_never_part_of_the_query(settings: Settings) -> None:
    write_rows(settings, "silver.anomaly_scores", [score(NOON, 1.0)])
    evil = "a' OR '1' = '1"

    asked = {"metric": "cpu", "series": 1, "detector": "univariate", "start": NOON, "end": NOON + timedelta(hours=1)}
    assert Answers(settings).ask(POINTS, resource=evil, **asked) == ()
    assert len(Answers(settings).ask(POINTS, resource="a", **asked)) == 1
    assert list_tables(settings)
