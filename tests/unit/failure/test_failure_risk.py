"""gold.failure_risk and the registry: from silver rows to a champion, and from the champion to a row a machine."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.errors import ModelError
from pipelines.failure.model import HAZARD, FailureModel
from pipelines.failure.names import FEATURES, HORIZONS_HOURS
from pipelines.failure.registered import (
    Registered,
    load,
    promote_if_better,
    register,
    registry_of,
)
from pipelines.failure.training import TrainingOptions, train
from pipelines.gold.failure_risk import (
    SOURCES,
    TABLE,
    HistoryRule,
    assess,
    delta_versions,
    read_history,
    refresh,
)
from pipelines.model_registry.registry import CHALLENGER, CHAMPION, ModelRegistry
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, read_table
from tests.unit.failure.fleet import FleetPlan, history

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SILENT = timedelta(minutes=5)
OPTIONS = TrainingOptions(fewest_to_fit=10, fewest_to_calibrate=3)


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    return history(FleetPlan(machines=60, days=60, seed=31, step_hours=12))


@pytest.fixture(scope="module")
def model(seen: pd.DataFrame) -> FailureModel:
    return train(seen, OPTIONS)


@pytest.fixture
def registry(settings: Settings) -> ModelRegistry:
    return registry_of(settings)


def append(spark: SparkSession, settings: Settings, table: Table, rows: list[dict[str, Any]]) -> None:
    ensure_table(spark, settings, table)
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    values = [tuple(row.get(name) for name in table.column_names) for row in rows]
    spark.createDataFrame(values, schema).write.format("delta").mode("append").save(table.path(settings))


def beat(machine: str, hours: float) -> dict[str, Any]:
    moment = NOON + timedelta(hours=hours)
    return {
        "resource_id": machine, "host_name": f"host-{machine}", "event_time": moment, "ingest_time": moment,
        "kafka_timestamp": moment, "event_id": f"{machine}{hours}", "source": "test", "topic": "t", "partition": 0,
        "offset": 0, "item": 0,
    }  # fmt: skip


@pytest.fixture
def lakehouse(spark: SparkSession, settings: Settings) -> Settings:
    """`up` beats every 4 minutes for ten hours, `down` stopped an hour ago, `gone` eight days ago."""
    beats = [beat("up", -minutes / 60) for minutes in range(0, 600, 4)]
    beats += [beat("down", -minutes / 60) for minutes in range(60, 600, 4)]
    append(spark, settings, SOURCES[0], [*beats, beat("gone", -200)])
    return settings


def rows_of(spark: SparkSession, settings: Settings) -> list[dict[str, Any]]:
    return [row.asDict() for row in read_table(spark, settings, TABLE).orderBy("resource_id").collect()]


def test_a_row_a_machine_with_its_risk_and_none_for_what_is_down(
    spark: SparkSession, lakehouse: Settings, model: FailureModel
) -> None:
    assert refresh(spark, lakehouse, model, 3, NOON) == 2
    down, up = rows_of(spark, lakehouse)

    assert (up["resource_id"], up["host_name"], up["is_down"]) == ("up", "host-up", False)
    assert 0 < up["risk_1h"] <= up["risk_24h"] <= up["risk_168h"] < 1
    assert up["as_of"].astimezone(UTC) == NOON
    assert (up["model_name"], up["model_version"]) == (model.name, 3)
    assert up["base_rate_24h"] == pytest.approx(model.horizons[1].base_rate)
    assert up["brier_skill_24h"] == pytest.approx(model.evaluations[1].brier_skill)
    assert (down["is_down"], down["risk_1h"], down["risk_168h"]) == (True, None, None)
    assert down["reasons"] == ["down: silent for 60 min"]


def test_a_second_run_writes_the_same_rows(spark: SparkSession, lakehouse: Settings, model: FailureModel) -> None:
    refresh(spark, lakehouse, model, 1, NOON)
    before = rows_of(spark, lakehouse)
    refresh(spark, lakehouse, model, 1, NOON)

    assert rows_of(spark, lakehouse) == before


def test_the_history_of_silver_can_be_trained_on(spark: SparkSession, lakehouse: Settings) -> None:
    found = read_history(spark, lakehouse, HistoryRule(days=1, step=timedelta(hours=1)), NOON)

    assert set(FEATURES) <= set(found.columns)
    up, down = (found[found["resource_id"] == machine] for machine in ("up", "down"))
    assert len(up) == 10
    assert len(down) == 9  # not of the moment at which it was down
    assert up["hours_to_failure"].isna().all()
    assert down["hours_to_failure"].iloc[-1] == pytest.approx(5 / 60)  # its last row is of the last heartbeat
    fitted = train(found, TrainingOptions())
    assert fitted.name == HAZARD  # one failure teaches nothing
    assert np.isfinite(fitted.risks(found).to_numpy()).all()


def test_without_heartbeats_there_is_nothing_to_learn_from(spark: SparkSession, settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"silver\.heartbeats has no rows"):
        read_history(spark, settings, HistoryRule(), NOON)


def test_the_versions_of_what_was_read_are_known(spark: SparkSession, lakehouse: Settings) -> None:
    assert delta_versions(spark, lakehouse)["silver.heartbeats"] == 1  # made, and written once


def test_a_model_of_other_features_is_refused(model: FailureModel) -> None:
    with pytest.raises(ModelError, match="other features"):
        assess(pd.DataFrame(), replace(model, features=("one",)), 4, SILENT)


def test_what_is_registered_is_what_was_trained_with_all_that_made_it(
    registry: ModelRegistry, model: FailureModel, seen: pd.DataFrame, tmp_path: Path
) -> None:
    told = os.environ.get("MLFLOW_TRACKING_URI")
    challenger = register(registry, model, seen, OPTIONS, {"silver.heartbeats": 7})
    loaded = load(registry, CHALLENGER)

    assert loaded is not None
    assert loaded.version == challenger.version
    pd.testing.assert_frame_equal(loaded.model.risks(seen), model.risks(seen))
    run = registry.client.get_run(registry.version(challenger.version).run_id)
    assert run.data.tags["delta_version.silver.heartbeats"] == "7"
    assert run.data.params["seed"] == "0"
    assert run.data.params["chosen_24h"] == model.horizons[1].why
    assert run.data.metrics["brier_24h"] == pytest.approx(model.evaluations[1].brier)
    files = {file.path for file in registry.client.list_artifacts(run.info.run_id)}
    assert {"calibration.png", "evaluation.json"} <= files
    info = mlflow.models.get_model_info(str(registry.download(challenger.version, tmp_path)))
    assert info.signature is not None
    assert info.signature.inputs.input_names() == list(FEATURES)
    assert info.saved_input_example_info is not None
    # MLflow's global state would reach our settings through the environment.
    assert os.environ.get("MLFLOW_TRACKING_URI") == told


def test_only_a_better_model_becomes_champion(registry: ModelRegistry, model: FailureModel, seen: pd.DataFrame) -> None:
    unlearned = train(seen, TrainingOptions(fewest_to_fit=10_000))

    def offer(candidate: FailureModel) -> tuple[Registered, bool, str]:
        challenger = register(registry, candidate, seen, OPTIONS, {})
        promotion = promote_if_better(registry, challenger, seen, OPTIONS)
        return challenger, promotion.promoted, promotion.why

    assert load(registry, CHAMPION) is None
    first, promoted, why = offer(unlearned)
    assert (promoted, why) == (True, "there was no champion")
    second, promoted, why = offer(model)
    assert promoted
    assert f"of champion {first.version}" in why
    _, promoted, why = offer(unlearned)
    assert not promoted
    assert why.startswith("not better")
    _, promoted, _ = offer(model)  # as good is not better
    assert not promoted
    champion = load(registry, CHAMPION)
    assert champion is not None
    assert champion.version == second.version


def test_a_champion_that_cannot_be_loaded_is_named(
    registry: ModelRegistry, model: FailureModel, seen: pd.DataFrame, settings: Settings
) -> None:
    registered = register(registry, model, seen, OPTIONS, {})
    for file in settings.models_dir.rglob("python_model.pkl"):
        file.write_bytes(b"broken")

    with pytest.raises(ModelError, match=rf"failure_risk version {registered.version} \(@challenger\)"):
        load(registry, CHALLENGER)


def test_every_horizon_has_its_columns() -> None:
    for hours in HORIZONS_HOURS:
        assert {f"risk_{hours}h", f"base_rate_{hours}h", f"brier_skill_{hours}h"} <= set(TABLE.column_names)
