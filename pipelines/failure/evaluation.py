"""How good probabilities are: against what happened, and against telling everybody the same.

Brier score: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
(1950): the mean of (probability - outcome)². Its skill is 1 - score / score of the constant base rate of the very rows
that judge: no constant does better on them, so what is above 0 was told by the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BINS = 10
_ROC_POINTS = 51


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with a probability in one tenth of all, from the lowest: what was said, and what happened."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Evaluation:
    """`failures` counts failures, not rows. auprc, roc_auc and brier_skill are NaN where only one outcome occurred.

    `skill_low` and `skill_high`: from the 5th to the 95th percentile over resampled machines, whose rows are not
    independent of each other.
    """

    horizon_hours: int
    rows: int
    machines: int
    failures: int
    base_rate: float
    auprc: float
    roc_auc: float
    brier: float
    brier_base: float
    brier_skill: float
    skill_low: float
    skill_high: float
    calibration: tuple[CalibrationBin, ...]
    roc: tuple[tuple[float, float], ...]

    @property
    def calibration_error(self) -> float:
        """Mean distance of predicted and observed over the bins, weighed by rows."""
        return sum(bin_.rows * abs(bin_.predicted - bin_.observed) for bin_ in self.calibration) / max(1, self.rows)


def evaluate(
    horizon_hours: int, machines: NDArray[np.object_], failed: Bools, probability: Floats, failures: int
) -> Evaluation:
    """One row a machine and moment: `machines` names it, `failed` is what happened within the horizon."""
    rate = float(failed.mean()) if failed.size else float("nan")
    both = 0 < failed.sum() < failed.size
    brier = float(np.mean((probability - failed) ** 2)) if failed.size else float("nan")
    false_rate, true_rate, _ = roc_curve(failed, probability) if both else (np.zeros(0), np.zeros(0), None)
    marks = np.linspace(0, 1, _ROC_POINTS)
    curve = tuple(zip(marks.tolist(), np.interp(marks, false_rate, true_rate).tolist(), strict=True)) if both else ()
    low, high = _skill_interval(machines, failed, probability) if both else (float("nan"), float("nan"))
    return Evaluation(
        horizon_hours=horizon_hours,
        rows=int(failed.size),
        machines=len(np.unique(machines.astype(str))),
        failures=failures,
        base_rate=rate,
        auprc=float(average_precision_score(failed, probability)) if both else float("nan"),
        roc_auc=float(roc_auc_score(failed, probability)) if both else float("nan"),
        brier=brier,
        brier_base=rate * (1 - rate),
        brier_skill=1 - brier / (rate * (1 - rate)) if both else float("nan"),
        skill_low=low,
        skill_high=high,
        calibration=calibration_bins(failed, probability),
        roc=curve,
    )


def calibration_bins(failed: Bools, probability: Floats) -> tuple[CalibrationBin, ...]:
    """Ten bins of equally many rows: of equal width nearly all rare failures would share the first."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if part.size]
    return tuple(
        CalibrationBin(part.size, float(probability[part].mean()), float(failed[part].mean())) for part in parts
    )


def _skill_interval(
    machines: NDArray[np.object_], failed: Bools, probability: Floats, draws: int = 400, seed: int = 0
) -> tuple[float, float]:
    """Bootstrap over machines, from sums for each: rows, failures and squared errors."""
    _, number = np.unique(machines.astype(str), return_inverse=True)
    rows = np.bincount(number).astype(np.float64)
    positives = np.bincount(number, weights=failed.astype(np.float64))
    errors = np.bincount(number, weights=(probability - failed) ** 2)
    drawn = np.random.default_rng(seed).integers(0, rows.size, (draws, rows.size))
    count = rows[drawn].sum(axis=1)
    rate = positives[drawn].sum(axis=1) / count
    usable = (rate > 0) & (rate < 1)
    skill = 1 - (errors[drawn].sum(axis=1) / count)[usable] / (rate * (1 - rate))[usable]
    low, high = np.percentile(skill, [5, 95])
    return float(low), float(high)
