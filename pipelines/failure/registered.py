"""The model in MLflow's registry: logged with all that made it, registered as challenger, promoted only if better."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from math import isnan
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc.model import PythonModel
from mlflow.tracking import MlflowClient

from pipelines.errors import ModelError
from pipelines.failure.calibration_plot import calibration_figure
from pipelines.failure.evaluation import Evaluation
from pipelines.failure.model import FailureModel
from pipelines.failure.names import FEATURES
from pipelines.failure.training import TrainingOptions, evaluations, mean_skill
from pipelines.settings import Settings

CHALLENGER, CHAMPION = "challenger", "champion"
_TOLD = "MLFLOW_TRACKING_URI"

_SUMMED = ("rows", "machines", "failures", "base_rate", "auprc", "roc_auc", "brier", "brier_base", "brier_skill")
_INTERVAL = ("skill_low", "skill_high", "calibration_error")
_EXAMPLE_ROWS = 5
_LIBRARIES = ("numpy", "pandas", "scikit-learn", "mlflow")


@dataclass(frozen=True)
class Registry:
    """Where models are. `registry_uri`: None for that of the tracking. `artifacts`: where those of a new experiment go;
    None lets the server choose."""

    tracking_uri: str
    registry_uri: str | None = None
    model_name: str = "failure_risk"
    artifacts: str | None = None

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.tracking_uri, registry_uri=self.registry_uri or self.tracking_uri)


@dataclass(frozen=True)
class Registered:
    model: FailureModel
    version: int


@dataclass(frozen=True)
class Promotion:
    """What became of a challenger, and by which rule."""

    promoted: bool
    why: str


class FailureRisk(PythonModel):
    """`predict` of the registered model: FEATURES in, risk_<h>h out."""

    def __init__(self, model: FailureModel) -> None:
        self.model = model

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        return self.model.risks(model_input)


def registry_of(settings: Settings) -> Registry:
    """The one that the settings name; by default SQLite and a folder below the storage root, as for the detectors."""
    if settings.mlflow.tracking_uri is not None:
        return Registry(settings.mlflow.tracking_uri, settings.mlflow.registry_uri)
    folder = settings.models_dir
    folder.mkdir(parents=True, exist_ok=True)
    tracking = f"sqlite:///{folder / 'mlflow.db'}"
    return Registry(tracking, settings.mlflow.registry_uri, artifacts=(folder / "artifacts").as_uri())


def register(
    registry: Registry,
    model: FailureModel,
    history: pd.DataFrame,
    options: TrainingOptions,
    delta_versions: Mapping[str, int],
) -> Registered:
    """Log the model in a run of its own and register it as challenger. `history` is what it was trained on."""
    example = history[list(FEATURES)].head(_EXAMPLE_ROWS).reset_index(drop=True)
    tags = {f"delta_version.{table}": str(number) for table, number in delta_versions.items()}
    _point_to(registry)
    # Between the call and its answer the library writes progress for people who watch it.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with mlflow.start_run(experiment_id=_experiment(registry)) as run:
        mlflow.set_tags(tags)
        mlflow.log_params(_params(model, history, options))
        mlflow.log_metrics(_metrics(model.evaluations))
        mlflow.log_figure(calibration_figure(model.evaluations), "calibration.png")
        mlflow.log_dict({"evaluations": [asdict(judged) for judged in model.evaluations]}, "evaluation.json")
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=FailureRisk(model),
            signature=infer_signature(example, model.risks(example)),
            input_example=example,
            pip_requirements=[f"{library}=={installed(library)}" for library in _LIBRARIES],
        )
    version = mlflow.register_model(logged.model_uri, registry.model_name, tags={**tags, "run_id": run.info.run_id})
    registry.client.set_registered_model_alias(registry.model_name, CHALLENGER, version.version)
    return Registered(model, int(version.version))


def load(registry: Registry, alias: str) -> Registered | None:
    """The model with that alias; None if none has it. Raises ModelError if it cannot be loaded or is another model."""
    number = _version(registry, alias)
    if number is None:
        return None
    _point_to(registry)
    name = f"{registry.model_name} version {number} (@{alias})"
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{registry.model_name}/{number}").unwrap_python_model()
    except Exception as error:
        raise ModelError(f"model {name} at {registry.tracking_uri} cannot be loaded: {error}") from error
    if not isinstance(loaded, FailureRisk):
        raise ModelError(f"model {name} is no model of failures but {type(loaded).__name__}; move the alias")
    return Registered(loaded.model, number)


def promote_if_better(
    registry: Registry, challenger: Registered, history: pd.DataFrame, options: TrainingOptions
) -> Promotion:
    """Make the challenger champion if its mean Brier skill is higher than the champion's on the same test rows.

    Those are of machines that neither saw, and of a time after the challenger's training; after the champion's too, as
    long as histories are as long as they were.
    A challenger that could not be judged (no failures yet) only replaces none.
    """
    current = load(registry, CHAMPION)
    mine = mean_skill(challenger.model.evaluations)
    if current is None:
        return _promoted(registry, challenger, "there was no champion")
    if current.model.features != challenger.model.features:
        # It cannot be given what it was trained on any more, so it cannot score either.
        return _promoted(registry, challenger, f"champion {current.version} was trained on other features")
    theirs = mean_skill(evaluations(current.model, history, options.split))
    compared = f"mean Brier skill {mine:.4f} against {theirs:.4f} of champion {current.version}"
    if isnan(mine) or not (isnan(theirs) or mine > theirs):
        return Promotion(promoted=False, why=f"not better: {compared}")
    return _promoted(registry, challenger, compared)


def _promoted(registry: Registry, challenger: Registered, why: str) -> Promotion:
    registry.client.set_registered_model_alias(registry.model_name, CHAMPION, str(challenger.version))
    return Promotion(promoted=True, why=why)


def _version(registry: Registry, alias: str) -> int | None:
    found = registry.client.search_registered_models(f"name = '{registry.model_name}'")
    version = found[0].aliases.get(alias) if found else None
    return None if version is None else int(version)


def _experiment(registry: Registry) -> str:
    client = registry.client
    experiment = client.get_experiment_by_name(registry.model_name)
    if experiment is not None:
        return str(experiment.experiment_id)
    return str(client.create_experiment(registry.model_name, registry.artifacts))


def _point_to(registry: Registry) -> None:
    # MLflow tells its child processes by the environment, where our own settings would find it.
    before = os.environ.get(_TOLD)
    mlflow.set_tracking_uri(registry.tracking_uri)
    mlflow.set_registry_uri(registry.registry_uri or registry.tracking_uri)
    if before is None:
        os.environ.pop(_TOLD, None)
    else:
        os.environ[_TOLD] = before


def _params(model: FailureModel, history: pd.DataFrame, options: TrainingOptions) -> dict[str, Any]:
    given = asdict(options)
    rule = given.pop("split")
    chosen = {f"chosen_{horizon.horizon_hours}h": horizon.why for horizon in model.horizons}
    span = {"rows": len(history), "first": history["as_of"].min(), "last": history["as_of"].max()}
    return {**given, **{f"split.{name}": value for name, value in rule.items()}, **span, "model": model.name, **chosen}


def _metrics(judged: tuple[Evaluation, ...]) -> dict[str, float]:
    """What could not be judged is left out, not logged as not a number."""
    values = {
        f"{name}_{evaluation.horizon_hours}h": float(getattr(evaluation, name))
        for evaluation in judged
        for name in (*_SUMMED, *_INTERVAL)
    }
    values["brier_skill_mean"] = mean_skill(judged)
    return {name: value for name, value in values.items() if not isnan(value)}
