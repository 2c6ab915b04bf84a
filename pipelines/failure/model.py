"""The risk of failure at every horizon, from a row of features a machine: what is trained, registered, scored with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.failure.classifiers import Classifier
from pipelines.failure.evaluation import Evaluation
from pipelines.failure.hazard import Hazard
from pipelines.failure.names import FEATURES, GROUPS, risk

Floats = NDArray[np.float64]

HAZARD = "base_rate_hazard"
_SMALLEST = 1e-6


@dataclass(frozen=True)
class HorizonModel:
    """Of one horizon: a classifier, or where there were too few failures or signs said nothing, the hazard alone.

    `why`: the rule that chose it, in words. `base_rate`: how often rows of training failed within the horizon.
    """

    horizon_hours: int
    classifier: Classifier | None
    hazard: Hazard
    base_rate: float
    why: str

    @property
    def kind(self) -> str:
        return HAZARD if self.classifier is None else self.classifier.kind

    def risk(self, features: pd.DataFrame) -> Floats:
        if self.classifier is None:
            return self.hazard.risk(features, self.horizon_hours)
        return self.classifier.risk(features)

    def log_odds(self, features: pd.DataFrame) -> Floats:
        if self.classifier is not None:
            return self.classifier.log_odds(features)
        probability = np.clip(self.hazard.risk(features, self.horizon_hours), _SMALLEST, 1 - _SMALLEST)
        odds: Floats = np.log(probability / (1 - probability))
        return odds


@dataclass(frozen=True)
class FailureModel:
    """`horizons` from the shortest on. `reference`: the median of each feature over rows that did not fail."""

    horizons: tuple[HorizonModel, ...]
    reference: pd.Series
    evaluations: tuple[Evaluation, ...]
    features: tuple[str, ...] = FEATURES

    @property
    def name(self) -> str:
        """Of the kinds of model that its horizons have; `base_rate_hazard` is the one that reads no signs."""
        return "+".join(dict.fromkeys(horizon.kind for horizon in self.horizons))

    @property
    def is_calibrated(self) -> bool:
        return all(horizon.classifier is not None for horizon in self.horizons)

    def risks(self, features: pd.DataFrame) -> pd.DataFrame:
        """risk_<h>h of each row; never less for a longer horizon, which holds the shorter one."""
        each = np.column_stack([horizon.risk(features) for horizon in self.horizons])
        names = [risk(horizon.horizon_hours) for horizon in self.horizons]
        return pd.DataFrame(np.maximum.accumulate(each, axis=1), index=features.index, columns=names)

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """By how much each group of features raises the log-odds, mean over horizons, against the usual machine.

        The group's features are put back to `reference`, all others stay: what the log-odds lose is what it gave.
        """
        known = features[list(self.features)]
        before = self._log_odds(known)
        found = {}
        for group, names in GROUPS.items():
            usual = known.assign(**{name: self.reference[name] for name in names})
            found[group] = before - self._log_odds(usual)
        return pd.DataFrame(found, index=features.index)

    def _log_odds(self, features: pd.DataFrame) -> Floats:
        mean: Floats = np.mean([horizon.log_odds(features) for horizon in self.horizons], axis=0)
        return mean
