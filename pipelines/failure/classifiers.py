"""The models that learn from signs, and their calibration: a probability is to be what happens as often as it says."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import ThreadpoolController

from pipelines.failure.names import FEATURES, LOGARITHMIC

Floats = NDArray[np.float64]

BOOSTING, LOGISTIC = "hist_gradient_boosting", "logistic_regression"
# A step function through fewer failures than this follows their noise; a sigmoid has two parameters only.
_FAILURES_FOR_ISOTONIC = 200
SIGMOID, ISOTONIC = "sigmoid", "isotonic"
# OpenMP's threads spin while they wait for each other at every tree: where the cores are busy with something else (the
# streams), a training with two threads took more than ten times as long as with one.
_THREADS = ThreadpoolController()


@dataclass(frozen=True)
class Classifier:
    """`estimator` ranks; `calibrated` is the same with its scores made probabilities."""

    kind: str
    method: str
    estimator: Any
    calibrated: Any

    def risk(self, features: pd.DataFrame) -> Floats:
        with _one_thread():
            found: Floats = self.calibrated.predict_proba(features[list(FEATURES)])[:, 1]
        return found

    def log_odds(self, features: pd.DataFrame) -> Floats:
        """Before calibration, which has steps on which a change would not show."""
        with _one_thread():
            found: Floats = self.estimator.decision_function(features[list(FEATURES)])
        return found


def fit(kind: str, rows: pd.DataFrame, seed: int) -> Any:
    """`rows`: FEATURES, and failed (bool) with both outcomes."""
    features = rows[list(FEATURES)]
    # What no machine told in the time to learn from cannot be learned from, whatever it is later.
    told = [name for name in FEATURES if features[name].notna().any()]
    estimator = _boosting(told, seed) if kind == BOOSTING else _logistic(told)
    with _one_thread():
        return estimator.fit(features, rows["failed"])


def calibration_method(failures: int) -> str:
    return ISOTONIC if failures >= _FAILURES_FOR_ISOTONIC else SIGMOID


def calibrate(kind: str, estimator: Any, rows: pd.DataFrame, method: str) -> Classifier:
    """`rows` with both outcomes, none of them seen by the estimator, which stays as it is."""
    calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method=method)
    with _one_thread():
        calibrated.fit(rows[list(FEATURES)], rows["failed"])
    return Classifier(kind, method, estimator, calibrated)


def _one_thread() -> AbstractContextManager[Any]:
    limited: AbstractContextManager[Any] = _THREADS.limit(limits=1)
    return limited


def _boosting(told: list[str], seed: int) -> Any:
    """Slow and shallow: rows of one machine are much alike, so many of them say little more than one."""
    return make_pipeline(
        ColumnTransformer([("told", "passthrough", told)]),
        HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=150,
            max_leaf_nodes=15,
            min_samples_leaf=100,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        ),
    )


def _logistic(told: list[str]) -> Any:
    logarithmic = [name for name in told if name in LOGARITHMIC]
    others = [name for name in told if name not in LOGARITHMIC]
    spread = ColumnTransformer(
        [("logarithm", FunctionTransformer(np.log1p), logarithmic), ("as_is", "passthrough", others)]
    )
    return make_pipeline(
        spread, SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
    )
