"""Counts on their way to gold.quality: none is lost and none is there twice, wherever the process is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.quality import ledger
from pipelines.quality.tally import RuleCount
from pipelines.rules import Action
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table


def count(broken: int) -> list[RuleCount]:
    return [RuleCount("silver.metrics", "stale_time", Action.WARN, 10, broken)]


def kept(spark: SparkSession, settings: Settings) -> list[tuple[str, int, int]]:
    rows = read_table(spark, settings, ledger.TABLE).select("query_id", "batch_id", "broken")
    return sorted(tuple(row) for row in rows.collect())


def waiting(settings: Settings) -> list[Path]:
    return sorted((settings.quality_dir / "counts").rglob("*.json"))


@pytest.fixture(autouse=True)
def table(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, ledger.TABLE)


def commits(settings: Settings) -> int:
    return len(list((Path(ledger.TABLE.path(settings)) / "_delta_log").glob("*.json")))


def test_many_batches_are_one_commit(spark: SparkSession, settings: Settings) -> None:
    before = commits(settings)
    for batch in range(20):
        ledger.note(settings, "q", batch, count(batch))

    ledger.flush(spark, settings)

    assert kept(spark, settings) == [("q", batch, batch) for batch in range(20)]
    assert commits(settings) == before + 1
    assert waiting(settings) == []


def test_a_repeated_batch_counts_once(spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated before its counts were flushed, after, and when a kill left the files that the commit has."""
    ledger.note(settings, "q", 0, count(1))
    ledger.note(settings, "q", 0, count(1))
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ledger.flush(spark, settings)
    assert len(waiting(settings)) == 1
    ledger.note(settings, "q", 1, count(2))

    ledger.flush(spark, settings)
    ledger.note(settings, "q", 1, count(2))
    ledger.note(settings, "q", 2, count(3))
    ledger.flush(spark, settings)
    ledger.flush(spark, settings)

    assert kept(spark, settings) == [("q", 0, 1), ("q", 1, 2), ("q", 2, 3)]
    assert waiting(settings) == []


def test_another_query_counts_from_its_own_beginning(spark: SparkSession, settings: Settings) -> None:
    """A new checkpoint is a new query, whose batches begin at 0 again."""
    ledger.note(settings, "before", 7, count(1))
    ledger.flush(spark, settings)
    ledger.note(settings, "after", 0, count(2))
    ledger.flush(spark, settings)

    assert kept(spark, settings) == [("after", 0, 2), ("before", 7, 1)]


def test_a_batch_without_rows_leaves_nothing(settings: Settings) -> None:
    ledger.note(settings, "q", 0, [])

    assert waiting(settings) == []


def test_counts_wait_until_it_is_time(spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(ledger.time, "monotonic", lambda: now)
    ledger.flush_if_due(spark, settings)
    ledger.note(settings, "q", 0, count(1))
    now += 59
    ledger.flush_if_due(spark, settings)
    assert kept(spark, settings) == []

    now += 1
    ledger.flush_if_due(spark, settings)

    assert kept(spark, settings) == [("q", 0, 1)]
