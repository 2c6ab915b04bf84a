"""The model in MLflow's registry: logged with all that made it, registered as challenger, promoted only if better."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version as installed
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc.model import PythonModel

from pipelines.errors import ModelError
from pipelines.failure.calibration_plot import calibration_figure
from pipelines.failure.evaluation import Evaluation
from pipelines.failure.model import FailureModel
from pipelines.failure.names import FEATURES
from pipelines.failure.training import TrainingOptions, evaluations, mean_skill
from pipelines.model_registry.mlflow_quiet import quiet_mlflow
from pipelines.model_registry.registration import RunFacts
from pipelines.model_registry.registry import CHALLENGER, CHAMPION, ModelRegistry
from pipelines.settings import Settings

MODEL_NAME = "failure_risk"

_SUMMED = ("rows", "machines", "failures", "base_rate", "auprc", "roc_auc", "brier", "brier_base", "brier_skill")
_INTERVAL = ("skill_low", "skill_high", "calibration_error")
_EXAMPLE_ROWS = 5
_LIBRARIES = ("numpy", "pandas", "scikit-learn", "mlflow")


@dataclass(frozen=True)
class Registered:
    model: FailureModel
    version: str


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


def registry_of(settings: Settings) -> ModelRegistry:
    """The versions of the model of failures, in the registry of all models."""
    return ModelRegistry.named(settings, MODEL_NAME)


def register(
    registry: ModelRegistry,
    model: FailureModel,
    history: pd.DataFrame,
    options: TrainingOptions,
    delta_versions: Mapping[str, int],
) -> Registered:
    """Log the model in a run of its own and register it as challenger. `history` is what it was trained on."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-failure-risk-") as scratch:
        files = Path(scratch)
        calibration_figure(model.evaluations).savefig(files / "calibration.png")
        judged = {"evaluations": [asdict(one) for one in model.evaluations]}
        (files / "evaluation.json").write_text(json.dumps(judged, indent=2, default=str), encoding="utf-8")
        facts = RunFacts(
            "failure risk",
            parameters={name: str(value) for name, value in _params(model, history, options).items()},
            metrics=_metrics(model.evaluations),
            tags={f"delta_version.{table}": str(number) for table, number in delta_versions.items()},
            files=files,
        )
        version = registry.log_version(facts, partial(_package, model, history))
    registry.set_alias(CHALLENGER, version)
    return Registered(model, version)


def load(registry: ModelRegistry, alias: str) -> Registered | None:
    """The model with that alias; None if none has it. Raises ModelError if it cannot be loaded or is another model."""
    version = registry.version_of(alias)
    if version is None:
        return None
    name = f"{registry.model_name} version {version} (@{alias})"
    with tempfile.TemporaryDirectory(prefix="lakehouse-failure-risk-") as scratch:
        folder = registry.download(version, Path(scratch))
        try:
            loaded = quiet_mlflow().pyfunc.load_model(str(folder)).unwrap_python_model()
        except Exception as error:
            raise ModelError(f"model {name} at {registry.tracking_uri} cannot be loaded: {error}") from error
    if not isinstance(loaded, FailureRisk):
        raise ModelError(f"model {name} is no model of failures but {type(loaded).__name__}; move the alias")
    return Registered(loaded.model, version)


def promote_if_better(
    registry: ModelRegistry, challenger: Registered, history: pd.DataFrame, options: TrainingOptions
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


def _promoted(registry: ModelRegistry, challenger: Registered, why: str) -> Promotion:
    registry.set_alias(CHAMPION, challenger.version)
    return Promotion(promoted=True, why=why)


def _package(model: FailureModel, history: pd.DataFrame, folder: Path) -> None:
    example = history[list(FEATURES)].head(_EXAMPLE_ROWS).reset_index(drop=True)
    quiet_mlflow().pyfunc.save_model(
        str(folder),
        python_model=FailureRisk(model),
        signature=infer_signature(example, model.risks(example)),
        input_example=example,
        pip_requirements=[f"{library}=={installed(library)}" for library in _LIBRARIES],
    )


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
