"""A bundle as an MLflow model: a folder with signature, input example, requirements, and the code that it needs.

MLflow loads it by `_load_pyfunc`, from the code that lies in the model: nothing is unpickled, and any Python with the
requirements can score with it, without a checkout of this project. In a process that has imported this project already,
it is that code which scores.
"""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.detection import bundle as bundles
from pipelines.detection.models.history import score_history
from pipelines.model_registry.mlflow_quiet import quiet_mlflow

# What loading and scoring import, in the versions that are here.
_REQUIREMENTS = ("mlflow", "numpy", "numba", "pandas")
_PACKAGE = Path(__file__).resolve().parent.parent
# Beside this package, what it imports of the project.
_CODE = ("__init__.py", "errors.py", "model_registry/__init__.py", "model_registry/mlflow_quiet.py")


class AnomalyModel:
    """Scores rows as one history, with the very code of the stream."""

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`series_id`, `event_time` (UTC), `value` → `anomaly_score`, `expected`, `lower`, `upper`, by the same index.

        The rows may come in any order; they are scored in the order of time, each series from nothing known. A score
        uses its series' earlier rows alone. There are no `params`.
        """
        scores = score_history(self._bundle, model_input["series_id"], model_input["event_time"], model_input["value"])
        columns = {"anomaly_score": scores.score, "expected": scores.expected}
        return pd.DataFrame(columns | {"lower": scores.lower, "upper": scores.upper}, index=model_input.index)


def _load_pyfunc(path: str) -> AnomalyModel:
    """What MLflow calls with the folder of the bundle."""
    return AnomalyModel(bundles.load(Path(path)))


def package(bundle: bundles.Bundle, folder: Path) -> None:
    """Write `bundle` as an MLflow model into `folder`, which must not exist."""
    mlflow = quiet_mlflow()
    with tempfile.TemporaryDirectory(prefix="lakehouse-model-") as scratch:
        bundles.save(bundle, Path(scratch) / "bundle")
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=__name__,
            data_path=str(Path(scratch) / "bundle"),
            code_paths=[str(_copy_code(Path(scratch) / "pipelines"))],
            signature=_signature(),
            input_example=example(),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )


def bundle_folder(model: Path) -> Path:
    """Where the bundle lies in an MLflow model's folder."""
    return model / "data" / "bundle"


def example() -> pd.DataFrame:
    """Three minutes of one series."""
    times = pd.date_range("2026-01-01", periods=3, freq="min")
    return pd.DataFrame({"series_id": [7, 7, 7], "event_time": times, "value": [0.25, 0.5, 0.75]})


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = [("series_id", DataType.long), ("event_time", DataType.datetime), ("value", DataType.double)]
    outputs = ("anomaly_score", "expected", "lower", "upper")
    return ModelSignature(
        Schema([ColSpec(kind, name) for name, kind in inputs]),
        Schema([ColSpec(DataType.double, name) for name in outputs]),
    )


def _copy_code(target: Path) -> Path:
    """The part of this project that a model needs, as a package of the same name."""
    target.mkdir()
    for name in _CODE:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy(_PACKAGE.parent / name, target / name)
    shutil.copytree(_PACKAGE, target / "detection", ignore=shutil.ignore_patterns("__pycache__"))
    return target
