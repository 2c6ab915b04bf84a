"""silver.metrics → silver.anomaly_scores: each measurement scored once, by the champion, through stops and changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.detection import stream
from pipelines.detection.block import empty_block
from pipelines.detection.bundle import Bundle
from pipelines.detection.champion import ChampionWatch
from pipelines.detection.models.registry import Registry
from pipelines.detection.score_frame import score_frame
from pipelines.model_registry.registration import RunFacts
from pipelines.model_registry.registry import CHAMPION
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table
from tests.conftest import SettingsFactory, wait_until
from tests.unit.detection.scored_rows import champion, noise, rows

ROWS = 300


@pytest.fixture
def settings(make_settings: SettingsFactory) -> Settings:
    return make_settings(LAKEHOUSE_DETECTION__CHAMPION_INTERVAL="1 second")


@pytest.fixture
def refused() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def watch(settings: Settings, refused: list[tuple[str, str]]) -> ChampionWatch:
    return ChampionWatch(settings, Registry.of(settings), lambda version, reason: refused.append((version, reason)))


def measured(first: int, last: int) -> pd.DataFrame:
    """Minutes `first` to `last` of three series of two hosts, one of which jumps at minute 250."""
    values = {series: noise(ROWS, series) for series in (1, 2, 3)}
    values[2][250:] += 100.0
    frames = [rows({1: values[1], 2: values[2]}, "/a"), rows({3: values[3]}, "/b")]
    frame = pd.concat(frames, ignore_index=True)
    minute = frame["score_id"].str.split("-").str[1].astype(int)
    return frame[(minute >= first) & (minute < last)]


def add(spark: SparkSession, settings: Settings, frame: pd.DataFrame) -> None:
    ensure_table(spark, settings, stream.METRICS)
    known = spark.createDataFrame(frame.rename(columns={"score_id": "event_id"}).sample(frac=1, random_state=1))
    missing = [column for column in stream.METRICS.columns if column.name not in known.columns]
    whole = known.selectExpr("*", *(f"CAST(NULL AS {column.type}) AS `{column.name}`" for column in missing))
    whole.select(*stream.METRICS.column_names).write.format("delta").mode("append").save(stream.METRICS.path(settings))


def score(spark: SparkSession, settings: Settings, watch: ChampionWatch) -> pd.DataFrame:
    """All that is there, in one available-now run; then what the table holds."""
    query = stream.start(spark, settings, watch, Trigger.AVAILABLE_NOW)
    query.awaitTermination()
    assert query.exception() is None
    return scores(spark, settings)


def scores(spark: SparkSession, settings: Settings) -> pd.DataFrame:
    return read_table(spark, settings, stream.TABLE).toPandas().sort_values("score_id", ignore_index=True)


@pytest.mark.timeout(400)
def test_scores_are_those_of_the_detector_through_stops_and_a_change_of_model(
    spark: SparkSession, settings: Settings, watch: ChampionWatch
) -> None:
    add(spark, settings, measured(0, 150))
    first = score(spark, settings, watch)
    assert set(first["model_version"]) == {"1"}

    registry = Registry.of(settings)
    same = registry.register(RunFacts("same"), Bundle())
    registry.set_alias(CHAMPION, same)
    add(spark, settings, measured(150, ROWS))
    found = score(spark, settings, watch)

    expected = score_frame(measured(0, ROWS), empty_block(), champion()).sort_values("score_id", ignore_index=True)
    assert found["score_id"].tolist() == expected["score_id"].tolist()
    for name in ("anomaly_score", "expected", "lower", "upper", "value"):
        np.testing.assert_array_equal(found[name], expected[name], name)
    late = found["event_time"] >= found["event_time"].min() + timedelta(minutes=150)
    assert set(found.loc[late, "model_version"]) == {same}
    jump = found[found["is_anomaly"]]
    assert set(jump["series_id"]) == {2}
    assert (found["is_anomaly"] == (found["anomaly_score"] >= settings.detection.threshold)).all()


@pytest.mark.timeout(400)
def test_a_batch_that_is_repeated_is_there_once(spark: SparkSession, settings: Settings, watch: ChampionWatch) -> None:
    for first, last in ((0, 100), (100, 200)):
        add(spark, settings, measured(first, last))
        before = score(spark, settings, watch)
    commits = settings.checkpoint_path(stream.QUERY) / "commits"
    newest = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    for path in (commits / str(newest), commits / f".{newest}.crc"):
        path.unlink(missing_ok=True)

    add(spark, settings, measured(200, ROWS))
    after = score(spark, settings, watch)

    assert after["score_id"].is_unique
    assert len(after) == 3 * ROWS
    again = after[after["score_id"].isin(before["score_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, before)
    whole = score_frame(measured(0, ROWS), empty_block(), champion()).sort_values("score_id", ignore_index=True)
    np.testing.assert_array_equal(after["anomaly_score"], whole["anomaly_score"])


@pytest.mark.timeout(400)
def test_a_moved_alias_is_taken_without_a_restart_and_a_broken_model_is_not(
    spark: SparkSession, settings: Settings, watch: ChampionWatch, refused: list[tuple[str, str]]
) -> None:
    registry = Registry.of(settings)
    add(spark, settings, measured(0, 50))
    query = stream.start(spark, settings, watch, Trigger.CONTINUOUS)
    try:
        wait_until(lambda: len(scores(spark, settings)) == 150, 120, "the first rows are scored")
        strict = registry.register(RunFacts("strict"), replace(Bundle(), strictness={2: 3.0}))
        moved = datetime.now(UTC)
        registry.set_alias(CHAMPION, strict)

        def is_taken() -> bool:
            minute = 50 + len(scores(spark, settings)) // 3 - 50
            add(spark, settings, measured(minute, minute + 1))
            wait_until(lambda: len(scores(spark, settings)) >= 3 * (minute + 1), 60, "a minute is scored")
            return strict in set(scores(spark, settings)["model_version"])

        wait_until(is_taken, 60, "rows are scored by the new champion")
        assert datetime.now(UTC) - moved < timedelta(minutes=1)

        broken = registry.register(
            RunFacts("broken"), replace(Bundle(), parameters=replace(Bundle().parameters, threshold=float("nan")))
        )
        registry.set_alias(CHAMPION, broken)
        wait_until(lambda: bool(refused), 60, "the broken champion is refused")
        assert refused[0][0] == broken
        assert query.isActive
        at = len(scores(spark, settings)) // 3
        add(spark, settings, measured(at, at + 1))
        wait_until(lambda: len(scores(spark, settings)) == 3 * (at + 1), 60, "the former one goes on")
        assert broken not in set(scores(spark, settings)["model_version"])
    finally:
        query.stop()
