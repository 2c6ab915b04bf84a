"""From a history of machines to a model, chosen and judged on rows that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from pipelines.failure import classifiers
from pipelines.failure.evaluation import Evaluation, evaluate
from pipelines.failure.hazard import Hazard, fit_hazard
from pipelines.failure.model import FailureModel, HorizonModel
from pipelines.failure.names import FEATURES, HORIZONS_HOURS, risk
from pipelines.failure.split import Split, SplitRule, failures_in, is_test_machine, labelled, split

Floats = NDArray[np.float64]

_FOLDS = 3
_SMALLEST = 1e-7


@dataclass(frozen=True)
class TrainingOptions:
    """A horizon with fewer failures (not rows) than `fewest_to_fit` in the block that fits, or than
    `fewest_to_calibrate` in the block that calibrates, is given the base-rate hazard."""

    fewest_to_fit: int = 30
    fewest_to_calibrate: int = 10
    seed: int = 0
    split: SplitRule = field(default_factory=SplitRule)


def train(history: pd.DataFrame, options: TrainingOptions) -> FailureModel:
    """`history`: a row a machine and moment at which it was up: resource_id, as_of, FEATURES, hours_to_failure (NaN:
    none known), hours_followed. Raises ModelError if it is empty."""
    rule = options.split
    hazard = fit_hazard(_learned_from(history, rule))
    horizons = tuple(
        _train_horizon(split(history, hours, rule), history, hours, hazard, options) for hours in HORIZONS_HOURS
    )
    learned = _learned_from(history, rule)
    healthy = learned[~(learned["hours_to_failure"] <= max(HORIZONS_HOURS))]
    usual = healthy if len(healthy) else learned
    unjudged = FailureModel(horizons, usual[list(FEATURES)].median(), ())
    return FailureModel(horizons, unjudged.reference, evaluations(unjudged, history, rule))


def evaluations(model: FailureModel, history: pd.DataFrame, rule: SplitRule) -> tuple[Evaluation, ...]:
    """The model on the test rows of each horizon: machines and a time that training did not see."""
    found = []
    for hours in HORIZONS_HOURS:
        rows = split(history, hours, rule).test
        probability = model.risks(rows)[risk(hours)].to_numpy() if len(rows) else np.zeros(0)
        machines, failed = rows["resource_id"].to_numpy(), rows["failed"].to_numpy(dtype=np.bool_)
        found.append(evaluate(hours, machines, failed, probability, failures_in(rows)))
    return tuple(found)


def mean_skill(judged: tuple[Evaluation, ...]) -> float:
    """Mean Brier skill over the horizons that could be judged; NaN if none could."""
    skills = [evaluation.brier_skill for evaluation in judged if not np.isnan(evaluation.brier_skill)]
    return float(np.mean(skills)) if skills else float("nan")


def _learned_from(history: pd.DataFrame, rule: SplitRule) -> pd.DataFrame:
    """All rows of the machines and the time that do not judge."""
    first, last = history["as_of"].min(), history["as_of"].max()
    until = first + (last - first) * (rule.fit_share + rule.calibrate_share)
    judges = is_test_machine(history["resource_id"], rule.test_machine_share)
    rows = history[~judges & (history["as_of"] <= until)]
    # A fleet so small that every machine judges: better its rate than none.
    return rows if len(rows) else history[history["as_of"] <= until]


def _train_horizon(
    blocks: Split, history: pd.DataFrame, hours: int, hazard: Hazard, options: TrainingOptions
) -> HorizonModel:
    base_rate = _base_rate(history, hours, hazard, options.split)
    to_fit, to_calibrate = failures_in(blocks.fit), failures_in(blocks.calibrate)
    if to_fit < options.fewest_to_fit or to_calibrate < options.fewest_to_calibrate:
        why = (
            f"base rate: {to_fit} failures to fit on and {to_calibrate} to calibrate on; a model needs "
            f"{options.fewest_to_fit} and {options.fewest_to_calibrate}"
        )
        return HorizonModel(hours, None, hazard, base_rate, why)
    method = classifiers.calibration_method(to_calibrate)
    losses = {"base_rate_hazard": _loss(blocks.calibrate, hazard.risk(blocks.calibrate, hours))}
    fitted = {}
    for kind in (classifiers.BOOSTING, classifiers.LOGISTIC):
        fitted[kind] = classifiers.fit(kind, blocks.fit, options.seed)
        losses[kind] = _loss(blocks.calibrate, _cross_calibrated(kind, fitted[kind], blocks.calibrate, method))
    best = min(losses, key=lambda kind: losses[kind])
    shown = ", ".join(f"{kind} {loss:.5f}" for kind, loss in losses.items())
    why = f"{best}: least log-loss on machines and time that were not fitted on ({shown})"
    if best not in fitted:
        return HorizonModel(hours, None, hazard, base_rate, why)
    classifier = classifiers.calibrate(best, fitted[best], blocks.calibrate, method)
    return HorizonModel(hours, classifier, hazard, base_rate, why)


def _base_rate(history: pd.DataFrame, hours: int, hazard: Hazard, rule: SplitRule) -> float:
    """How often a row failed; where no row was followed for long enough, what the fleet's rate comes to."""
    learned = labelled(_learned_from(history, rule), hours)
    return float(learned["failed"].mean()) if len(learned) else float(-np.expm1(-hazard.rate * hours))


def _cross_calibrated(kind: str, estimator: object, rows: pd.DataFrame, method: str) -> Floats:
    """Probabilities of rows, each calibrated on other machines: so a candidate is not judged by what it was bent to."""
    probability = np.zeros(len(rows))
    folds = GroupKFold(min(_FOLDS, rows["resource_id"].nunique()))
    for others, mine in folds.split(rows, groups=rows["resource_id"]):
        if rows["failed"].iloc[others].nunique() < 2:
            probability[mine] = rows["failed"].iloc[others].mean()
            continue
        calibrated = classifiers.calibrate(kind, estimator, rows.iloc[others], method)
        probability[mine] = calibrated.risk(rows.iloc[mine])
    return probability


def _loss(rows: pd.DataFrame, probability: Floats) -> float:
    return float(log_loss(rows["failed"], np.clip(probability, _SMALLEST, 1 - _SMALLEST), labels=[False, True]))
