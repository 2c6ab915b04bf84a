"""One run of MLflow that leaves a version of a model: what was logged, what was packaged, what was registered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_MODEL = "model"


@dataclass(frozen=True)
class Place:
    """Where runs and versions go. `artifacts`: URI of the files of a new experiment; None: the server's own choice."""

    model_name: str
    experiment: str
    artifacts: str | None


@dataclass(frozen=True)
class RunFacts:
    """What is recorded of how a version came about. `files`: a folder that is logged as it is (plots, histograms).

    `tags` go to the run and to the version.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Path | None = None


def register(client: Any, place: Place, facts: RunFacts, package: Callable[[Path], None]) -> str:
    """The new version. `package` writes the model, in MLflow's form, into a folder that does not exist yet.

    A run that did not get so far is marked as failed. Raises MlflowException.
    """
    run_id = client.create_run(_experiment(client, place), run_name=facts.name, tags=dict(facts.tags)).info.run_id
    status = "FAILED"
    try:
        _log(client, run_id, facts)
        with tempfile.TemporaryDirectory(prefix="lakehouse-model-") as scratch:
            package(Path(scratch) / _MODEL)
            client.log_artifacts(run_id, str(Path(scratch) / _MODEL), _MODEL)
        _ensure_model(client, place.model_name)
        source = f"runs:/{run_id}/{_MODEL}"
        made = client.create_model_version(place.model_name, source, run_id, tags=dict(facts.tags))
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)
    return str(made.version)


def _log(client: Any, run_id: str, facts: RunFacts) -> None:
    from mlflow.entities import Metric, Param

    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now_ms, 0) for key, value in facts.metrics.items()],
        params=[Param(key, value) for key, value in facts.parameters.items()],
    )
    if facts.files is not None:
        client.log_artifacts(run_id, str(facts.files))


def _experiment(client: Any, place: Place) -> str:
    found = client.get_experiment_by_name(place.experiment)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(place.experiment, artifact_location=place.artifacts))


def _ensure_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise
