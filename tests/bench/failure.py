"""How good the predictions of failures are, on fleets of our own making: `python -m tests.bench.failure`.

The fleet (tests/unit/failure/fleet.py says how its machines fail) has failures of pure chance, which nothing foretells,
so certainty cannot be reached. The model is trained as `lakehouse failure-risk train` does, and judged twice: on the
machines and the time that its own training held back, and on another fleet of another seed, none of which it has seen.
Beside it stands what the base-rate hazard reaches, which knows how often machines fail and reads no signs.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import pandas as pd
from rich.console import Console
from rich.table import Table

from pipelines.failure.evaluation import Evaluation, evaluate
from pipelines.failure.model import FailureModel
from pipelines.failure.names import HORIZONS_HOURS, risk
from pipelines.failure.split import failures_in, labelled
from pipelines.failure.training import TrainingOptions, train
from tests.unit.failure.fleet import FleetPlan, history

TRAIN_SEED, TEST_SEED = 1, 2
_FIGURES = ("base_rate", "auprc", "roc_auc", "brier", "brier_skill", "calibration_error")


def measure(machines: int, days: int, console: Console) -> dict[str, dict[str, float]]:
    """Train and judge; prints, and gives the figures of the other fleet by horizon."""
    learned = history(FleetPlan(machines=machines, days=days, seed=TRAIN_SEED, step_hours=6))
    other = history(FleetPlan(machines=machines, days=days, seed=TEST_SEED, step_hours=6))
    begun = time.monotonic()
    model = train(learned, TrainingOptions())
    console.print(
        f"failures of {machines} machines over {days} days, {len(learned):,} rows 6 h apart; "
        f"trained in {time.monotonic() - begun:.0f} s"
    )
    for horizon in model.horizons:
        console.print(f"  {horizon.horizon_hours:>3} h: {horizon.why}")
    console.print(_table("machines and time held back by the training", model.evaluations))
    judged = judge(model, other)
    console.print(_table(f"another fleet (seed {TEST_SEED})", judged))
    console.print(_table("base-rate hazard on that other fleet", judge(without_signs(model), other)))
    console.print(
        _table("what could be reached an hour ahead: the probability that the fleet was made with", (_best(other),))
    )
    for evaluation in judged:
        bins = "  ".join(f"{bin_.predicted:.4f}/{bin_.observed:.4f}" for bin_ in evaluation.calibration)
        console.print(f"  {evaluation.horizon_hours:>3} h, said/happened by tenths: {bins}")
    return {
        f"{evaluation.horizon_hours}h": {name: round(getattr(evaluation, name), 5) for name in _FIGURES}
        for evaluation in judged
    }


def judge(model: FailureModel, fleet: pd.DataFrame) -> tuple[Evaluation, ...]:
    """Every row of a fleet, none of which the model has seen."""
    found = []
    for hours in HORIZONS_HOURS:
        rows = labelled(fleet, hours)
        probability = model.risks(rows)[risk(hours)].to_numpy()
        found.append(
            evaluate(hours, rows["resource_id"].to_numpy(), rows["failed"].to_numpy(), probability, failures_in(rows))
        )
    return tuple(found)


def _best(fleet: pd.DataFrame) -> Evaluation:
    rows = labelled(fleet, 1)
    machines, failed = rows["resource_id"].to_numpy(), rows["failed"].to_numpy()
    return evaluate(1, machines, failed, rows["true_risk_1h"].to_numpy(), failures_in(rows))


def without_signs(model: FailureModel) -> FailureModel:
    """The hazard alone at every horizon: what would be shown if there were too few failures to learn from."""
    return replace(model, horizons=tuple(replace(horizon, classifier=None) for horizon in model.horizons))


def _table(title: str, judged: tuple[Evaluation, ...]) -> Table:
    table = Table(
        *("horizon", "rows", "machines", "failures", "base rate", "AUPRC", "ROC area", "Brier", "Brier of base rate"),
        *("skill", "skill 5-95 %", "calibration error"),
        title=title,
        title_justify="left",
        box=None,
    )
    for one in judged:
        table.add_row(
            *(f"{one.horizon_hours} h", f"{one.rows:,}", f"{one.machines}", f"{one.failures}", f"{one.base_rate:.4f}"),
            *(f"{one.auprc:.3f}", f"{one.roc_auc:.3f}", f"{one.brier:.5f}", f"{one.brier_base:.5f}"),
            *(f"{one.brier_skill:+.3f}", f"{one.skill_low:+.3f} {one.skill_high:+.3f}", f"{one.calibration_error:.4f}"),
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failure", description=__doc__)
    parser.add_argument("--machines", type=int, default=400)
    parser.add_argument("--days", type=int, default=120)
    arguments = parser.parse_args()
    measure(arguments.machines, arguments.days, Console(width=150, highlight=False, soft_wrap=True))


if __name__ == "__main__":
    main()
