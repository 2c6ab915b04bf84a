"""From silver.metrics to a registered challenger, and the same again from its run; verdicts change what is learnt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.detection.bundle import Bundle, load
from pipelines.detection.exclusions import Exclusion
from pipelines.detection.feedback import Feedback, Verdict, give
from pipelines.detection.freshness import due_reason
from pipelines.detection.promotion import promote, rollback
from pipelines.detection.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry
from pipelines.detection.reproduction import differences, reproduce
from pipelines.detection.training import Outcome, fit, train
from pipelines.detection.training_data import plan_training
from pipelines.detection.training_plan import Plan
from pipelines.errors import ModelError
from pipelines.settings import Settings, load_settings
from tests.unit.detection.measured import BEGIN, host_frame, series_id, write_metrics

WINDOW = timedelta(minutes=2000)


@pytest.fixture(scope="module")
def estate(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two hosts of 2,000 minutes, and one that has only just begun to measure."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("estate") / "lakehouse")})
    write_metrics(spark, settings, [host_frame(1), host_frame(2), host_frame(3, minutes=100)])
    return settings


@pytest.fixture(scope="module")
def plan(spark: SparkSession, estate: Settings) -> Plan:
    return plan_training(spark, estate, WINDOW, [], seed=7)


@pytest.fixture(scope="module")
def registry(estate: Settings) -> Registry:
    return Registry.of(estate)


@pytest.fixture(scope="module")
def outcome(spark: SparkSession, estate: Settings, registry: Registry, plan: Plan) -> Outcome:
    return train(spark, estate, registry, plan, lambda said: None)


@pytest.fixture(scope="module")
def registered(outcome: Outcome, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load(registry.download(outcome.version, tmp_path_factory.mktemp("registered")))


def test_each_host_with_enough_rows_has_a_model_of_all_its_series(outcome: Outcome, registered: Bundle) -> None:
    assert list(registered.hosts) == ["/host/1", "/host/2"]
    assert sorted(registered.hosts["/host/2"].series_ids) == [
        series_id(2, name) for name in ("cpu", "memory", "requests")
    ]
    assert outcome.trained.left_out.total() == 1


def test_the_newest_fifth_is_not_learnt(registered: Bundle, plan: Plan) -> None:
    assert plan.held_from == plan.end - WINDOW / 5
    last = datetime.fromtimestamp(registered.hosts["/host/1"].last_row, UTC)
    assert last == plan.held_from - timedelta(minutes=1)


def test_a_trained_version_is_challenger_and_the_champion_stays(outcome: Outcome, registry: Registry) -> None:
    assert registry.version_of(CHALLENGER) == outcome.version
    assert outcome.champion == "1"


def test_the_host_model_finds_injected_anomalies_that_series_alone_do_not(outcome: Outcome) -> None:
    assert outcome.trained.challenger.auprc > outcome.trained.champion.auprc > 0


def test_a_version_is_reproduced_from_its_run_though_the_table_has_grown(
    spark: SparkSession, estate: Settings, registry: Registry, outcome: Outcome
) -> None:
    write_metrics(spark, estate, [host_frame(1).assign(value=-1000.0)])

    assert reproduce(spark, estate, registry, outcome.version) == ()


def test_bundles_that_differ_in_a_bit_are_not_the_same(registered: Bundle) -> None:
    registered.hosts["/host/1"].model.tail[0] += 1e-12
    changed = Bundle(registered.parameters, {1: 1.5}, registered.hosts)

    assert differences(registered, Bundle(registered.parameters, {}, {})) == ("hosts: 2 and 0",)
    assert differences(registered, changed) == ("strictness: of 0 and of 1 series",)
