"""From silver.metrics to a registered challenger, and the same again from its run; verdicts change what is learnt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pyspark.sql import SparkSession

from pipelines.detection.bundle import Bundle, load
from pipelines.detection.models.exclusions import Exclusion
from pipelines.detection.models.feedback import Feedback, Verdict, give, given
from pipelines.detection.models.freshness import due_reason
from pipelines.detection.models.registry import Registry
from pipelines.detection.models.reproduction import differences, reproduce
from pipelines.detection.models.training import Outcome, fit, train
from pipelines.detection.models.training_data import plan_training
from pipelines.detection.models.training_plan import Plan
from pipelines.errors import ModelError
from pipelines.model_registry.registry import CHALLENGER
from pipelines.settings import Settings, load_settings
from tests.unit.detection.measured import host_frame, series_id, write_metrics

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


def test_both_models_are_judged_by_the_same_intervals_and_anomalies(outcome: Outcome) -> None:
    champion, challenger = outcome.trained.champion, outcome.trained.challenger
    share_to_find = outcome.trained.judged.injected_span.mean()

    assert champion.units == challenger.units > 600
    assert 0 < share_to_find < 0.25
    # The built-in champion knows each series alone; the challenger has learnt how they go together.
    assert champion.auprc > share_to_find
    assert challenger.auprc > 2 * share_to_find


def test_the_run_tells_how_the_version_came_about(outcome: Outcome, registry: Registry) -> None:
    version = registry.version(outcome.version)

    assert version.run_id is not None
    run = registry.client.get_run(version.run_id)
    files = {one.path for one in registry.client.list_artifacts(version.run_id)}
    assert run.data.params["delta_version.silver.metrics"] == str(outcome.trained.plan.metrics_version)
    assert run.data.params["seed"] == "7"
    assert run.data.params["champion_saw_held_back"] == "no"
    assert run.data.metrics["challenger.auprc"] == pytest.approx(outcome.trained.challenger.auprc)
    assert {"training.json", "reference.json", "plots", "model"} <= files
    assert outcome.decision.reason in version.tags["decision"]


def test_a_version_is_reproduced_from_its_run_though_the_table_has_grown(
    spark: SparkSession, estate: Settings, registry: Registry, outcome: Outcome
) -> None:
    write_metrics(spark, estate, [host_frame(1).assign(value=-1000.0)])

    assert reproduce(spark, estate, registry, outcome.version) == ()


def test_verdicts_and_exclusions_change_what_is_learnt(
    spark: SparkSession, estate: Settings, plan: Plan, registered: Bundle
) -> None:
    """All of host 1 was an incident, an hour of all is excluded, and the cpu of host 2 was falsely accused."""
    until = plan.start + timedelta(hours=1)
    give(estate, Feedback(Verdict.TRUE, plan.start, plan.end, "test", plan.end, resource_id="/host/1"))
    give(estate, Feedback(Verdict.FALSE, plan.end, plan.end, "test", plan.end, resource_id="/host/2", metric="cpu"))
    heeding = replace(plan, feedback_version=given(estate).version, exclusions=(Exclusion(plan.start, until, "test"),))

    fitted = fit(spark, estate, heeding)

    assert list(fitted.bundle.hosts) == ["/host/2"]
    assert fitted.bundle.strictness == {series_id(2, "cpu"): pytest.approx(2 ** (1 / 3))}
    assert not np.array_equal(fitted.bundle.hosts["/host/2"].model.centre, registered.hosts["/host/2"].model.centre)


def test_bundles_that_differ_in_a_bit_are_not_the_same(registered: Bundle) -> None:
    host = registered.hosts["/host/1"]
    nudged = replace(host, model=replace(host.model, centre=np.nextafter(host.model.centre, np.inf)))
    stricter = replace(registered, strictness={1: 1.5})

    assert differences(registered, registered) == ()
    assert differences(registered, replace(registered, hosts=registered.hosts | {"/host/1": nudged})) == (
        "host /host/1: centre",
    )
    assert differences(registered, stricter) == ("strictness: of 0 and of 1 series",)
    assert differences(registered, replace(registered, hosts={})) == ("hosts: 2 and 0",)


def test_training_is_due_when_the_data_of_the_last_one_is_old(outcome: Outcome, registry: Registry) -> None:
    end, week = outcome.trained.plan.end, timedelta(days=7)

    assert due_reason(registry, week, end + week) is None
    assert "older than detection.retrain_after" in str(due_reason(registry, week, end + week + timedelta(seconds=1)))


def test_nothing_to_train_on_says_what_to_run(spark: SparkSession, settings: Settings) -> None:
    with pytest.raises(ModelError, match="run `lakehouse run silver` first"):
        plan_training(spark, settings, WINDOW, [], seed=0)
