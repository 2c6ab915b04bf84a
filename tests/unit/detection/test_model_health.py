"""What is said of a champion: by its newest scores, by its age, and when a version could not be loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from pyspark.sql import SparkSession

from pipelines.detection.models import reference
from pipelines.detection.models.health import SCORES, TABLE, Health, check, judge, newest_scores, note_refusal
from pipelines.detection.models.reference import Distribution, distribution, stability
from pipelines.detection.models.registry import Registry
from pipelines.model_registry.registry import CHAMPION
from pipelines.settings import Settings
from pipelines.tables import read_table
from tests.unit.detection.measured import append

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
UNJUDGED = Health("m", "2", CHAMPION, NOW, "", "", data_until=NOW - WEEK, age_seconds=WEEK.total_seconds())


def scores(seed: int, scale: float = 0.1, rows: int = 5000) -> Distribution:
    drawn = np.random.default_rng(seed).exponential(scale, rows)
    return distribution(np.minimum(drawn, 0.999), threshold=0.8)


KNOWN = {"univariate": scores(1)}


def test_scores_as_at_training_are_healthy() -> None:
    health = judge(UNJUDGED, {"univariate": scores(2)}, KNOWN, WEEK)

    assert health.state == "healthy"
    assert health.psi is not None
    assert health.psi < 0.02
    assert health.scored_rows == 5000


def test_scores_distributed_otherwise_are_drift() -> None:
    health = judge(UNJUDGED, {"univariate": scores(2, scale=0.3)}, KNOWN, WEEK)

    assert health.state == "drifting"
    assert "`lakehouse train`" in health.reason


def test_three_times_the_alerts_are_drift_though_the_distribution_is_alike() -> None:
    usual, today = (Distribution((4900 - alerts, *[0] * 11, 100, alerts), alerts) for alerts in (10, 40))

    health = judge(UNJUDGED, {"univariate": today}, {"univariate": usual}, WEEK)

    assert health.state == "drifting"
    assert (health.alert_rate, health.reference_alert_rate) == (0.008, 0.002)
    assert health.psi is not None
    assert health.psi < 0.25


def test_old_data_is_stale() -> None:
    older = replace(UNJUDGED, age_seconds=WEEK.total_seconds() + 1)

    assert judge(older, {"univariate": scores(2)}, KNOWN, WEEK).state == "stale"
    assert judge(UNJUDGED, {"univariate": scores(2)}, KNOWN, WEEK).state == "healthy"


def test_too_few_scores_tell_nothing() -> None:
    health = judge(UNJUDGED, {"univariate": scores(2, scale=0.5, rows=999)}, KNOWN, WEEK)

    assert health.state == "healthy"
    assert health.psi is None
    assert "too few" in health.reason


def test_the_built_in_parameters_are_untrained() -> None:
    assert judge(UNJUDGED, {"univariate": scores(2)}, {}, WEEK).state == "untrained"


def test_stability_is_zero_for_the_same_and_grows_with_the_distance() -> None:
    same, near, far = (stability(scores(1, scale), scores(1)) for scale in (0.1, 0.12, 0.3))

    assert same == 0.0
    assert 0 < near < 0.25 < far


def test_a_reference_is_read_as_it_was_written() -> None:
    assert reference.from_json(reference.to_json(KNOWN)) == KNOWN


def test_checks_and_refusals_are_rows_of_the_table(spark: SparkSession, settings: Settings) -> None:
    """A champion that nothing was trained for, its scores of now and of two days ago, and a version that is broken."""
    registry = Registry.of(settings)
    assert check(spark, settings, registry, NOW) is None
    registry.ensure_champion()
    rows = spark.createDataFrame(
        [("a", 0.1, False, "1", NOW), ("b", 1.0, True, "1", NOW), ("c", 0.9, True, "1", NOW - timedelta(days=2)),
         ("d", 0.9, True, "2", NOW)],
        "score_id string, anomaly_score double, is_anomaly boolean, model_version string, scored_at timestamp",
    )  # fmt: skip
    append(spark, settings, SCORES, rows, {"detector": "'univariate'"})

    observed = newest_scores(spark, settings, "1", NOW)
    health = check(spark, settings, registry, NOW)
    note_refusal(spark, settings, "2", "version 2: cannot be read")

    assert observed == {"univariate": distribution(np.array([0.1, 1.0]), 0.8)}
    assert health is not None
    assert (health.state, health.scored_rows, health.alert_rate) == ("untrained", 2, 0.5)
    states = {(row["model_version"], row["role"], row["state"]) for row in read_table(spark, settings, TABLE).collect()}
    assert states == {("1", "champion", "untrained"), ("2", "none", "refused")}
