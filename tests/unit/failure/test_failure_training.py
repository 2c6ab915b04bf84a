"""The model: calibrated, better than the base rate on what it has not seen, named for what it is, and it says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ModelError
from pipelines.failure.evaluation import calibration_bins, evaluate
from pipelines.failure.hazard import Hazard, fit_hazard
from pipelines.failure.model import HAZARD, FailureModel
from pipelines.failure.names import FEATURES, HORIZONS_HOURS, risk
from pipelines.failure.reasons import reasons
from pipelines.failure.split import labelled, split
from pipelines.failure.training import TrainingOptions, mean_skill, train
from tests.unit.failure.fleet import FleetPlan, history

PLAN = FleetPlan(machines=150, days=60, seed=11, step_hours=12)


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    return history(PLAN)


@pytest.fixture(scope="module")
def model(seen: pd.DataFrame) -> FailureModel:
    return train(seen, TrainingOptions())


@pytest.fixture(scope="module")
def unseen() -> pd.DataFrame:
    """Other machines, another seed."""
    return history(replace(PLAN, seed=12))


@pytest.fixture
def usual(model: FailureModel) -> pd.DataFrame:
    """One machine like most."""
    return pd.DataFrame([model.reference]).reset_index(drop=True).assign(disk_volume="C:")


def test_what_is_said_happens_as_often(model: FailureModel, unseen: pd.DataFrame) -> None:
    for hours in (1, 24, 168):
        rows = labelled(unseen, hours)
        said = model.risks(rows)[risk(hours)].mean()
        assert said == pytest.approx(rows["failed"].mean(), rel=0.35), hours


def test_a_day_ahead_it_knows_more_than_the_base_rate(model: FailureModel, unseen: pd.DataFrame) -> None:
    rows = labelled(unseen, 24)
    failed = rows["failed"].to_numpy()
    judged = evaluate(24, rows["resource_id"].to_numpy(), failed, model.risks(rows)["risk_24h"].to_numpy(), 0)

    assert judged.brier_skill > 0.05
    assert judged.auprc > 3 * judged.base_rate
    # The tenth that is told the highest risk fails as often as it was told, and far more often than the others.
    highest = judged.calibration[-1]
    assert highest.observed == pytest.approx(highest.predicted, rel=0.35)
    assert highest.observed > 3 * judged.base_rate


def test_a_longer_horizon_is_never_less_likely(model: FailureModel, unseen: pd.DataFrame) -> None:
    risks = model.risks(unseen)[[risk(hours) for hours in HORIZONS_HOURS]].to_numpy()

    assert (np.diff(risks, axis=1) >= 0).all()
    assert ((risks >= 0) & (risks <= 1)).all()


@given(values=st.lists(st.floats(-1e3, 1e6), min_size=len(FEATURES), max_size=len(FEATURES)))
@settings(max_examples=25, deadline=None)
def test_nor_for_a_machine_that_never_was(model: FailureModel, values: list[float]) -> None:
    features = pd.DataFrame([np.abs(values)], columns=list(FEATURES))
    found = model.risks(features).to_numpy()[0]

    assert found[0] <= found[1] <= found[2]


def test_the_same_history_gives_the_same_model(seen: pd.DataFrame, model: FailureModel) -> None:
    part = seen[seen["resource_id"].str.endswith(("1", "2", "3"))].reset_index(drop=True)
    options = TrainingOptions(fewest_to_fit=5, fewest_to_calibrate=2)

    pd.testing.assert_frame_equal(train(part, options).risks(seen), train(part, options).risks(seen))


def test_with_too_few_failures_the_base_rate_is_told_and_called_so(seen: pd.DataFrame) -> None:
    few = train(seen, TrainingOptions(fewest_to_fit=10_000))

    assert few.name == HAZARD
    assert not few.is_calibrated
    assert "a model needs 10000" in few.horizons[0].why
    assert few.risks(seen)["risk_24h"].mean() == pytest.approx(few.horizons[1].base_rate, rel=0.3)
    assert reasons(few, seen.head(1))[0][0] == f"no signs were learned from ({HAZARD})"


def test_where_nothing_can_be_foreseen_the_model_claims_little(seen: pd.DataFrame) -> None:
    """Failures of pure chance alone: probabilities near the base rate, and a skill near nothing."""
    chance = history(replace(PLAN, signs=0.0, chance_days=15.0, seed=21))
    judged = train(chance, TrainingOptions()).evaluations[1]

    assert abs(judged.brier_skill) < 0.03
    assert judged.calibration[-1].predicted < 3 * judged.base_rate


def test_a_test_without_failures_judges_nothing() -> None:
    judged = evaluate(24, np.array(["a", "b"], dtype=object), np.array([False, False]), np.array([0.1, 0.2]), 0)

    assert np.isnan([judged.brier_skill, judged.auprc, judged.roc_auc, mean_skill((judged,))]).all()
    assert judged.brier == pytest.approx(0.025)


def test_the_skill_of_the_base_rate_itself_is_nothing() -> None:
    failed = np.array([True, False, False, False] * 25)
    machines = np.array([f"m{number % 10}" for number in range(100)], dtype=object)

    assert evaluate(24, machines, failed, np.full(100, 0.25), 25).brier_skill == pytest.approx(0)
    assert evaluate(24, machines, failed, failed.astype(float), 25).brier_skill == pytest.approx(1)


def test_calibration_bins_hold_a_tenth_of_the_rows_each() -> None:
    probability = np.linspace(0, 1, 100)
    bins = calibration_bins(probability > 0.5, probability)

    assert [bin_.rows for bin_ in bins] == [10] * 10
    assert [bin_.observed for bin_ in bins] == [0] * 5 + [1] * 5


@pytest.mark.parametrize(
    ("disturbed", "sentence"),
    [
        (
            {"disk_percent": 98.2, "disk_percent_24h": 97.1, "disk_slope_day": 2.1, "disk_hours_left": 20.6},
            "disk C: 98% used, +2.1%/day, full in 21 h",
        ),
        (
            {"memory_percent": 96.0, "memory_percent_24h": 85.0, "memory_slope_day": 24.0, "memory_hours_left": 4.0},
            "memory: 96% used, +24.0%/day, full in 4 h",
        ),
        (
            {"errors_1h": 14.0, "errors_24h": 300.0, "criticals_1h": 1.0, "criticals_24h": 7.0, "error_burst": 3.0},
            "14 errors in 1 h, 300 in 24 h, 7 critical in 24 h; 8.0 times its own usual hour",
        ),
    ],
)
def test_the_first_reason_is_what_was_disturbed(
    model: FailureModel, usual: pd.DataFrame, disturbed: dict[str, float], sentence: str
) -> None:
    (found,) = reasons(model, usual.assign(**disturbed))

    assert found[0] == sentence
    assert model.risks(usual.assign(**disturbed))["risk_24h"].iloc[0] > 3 * model.risks(usual)["risk_24h"].iloc[0]


def test_a_usual_machine_has_no_reasons(model: FailureModel, usual: pd.DataFrame) -> None:
    assert reasons(model, usual) == [[]]


def test_a_machine_that_tells_little_is_judged_all_the_same(model: FailureModel, usual: pd.DataFrame) -> None:
    silent = usual.assign(**{name: np.nan for name in FEATURES if name.startswith(("cpu", "memory", "disk_"))})

    assert model.risks(silent).notna().all(axis=None)
    assert len(reasons(model, silent)[0]) <= 3


def test_the_hazard_is_between_the_fleets_rate_and_the_machines_own() -> None:
    hazard = Hazard(shape=2, exposure=2000)  # a failure in 1,000 hours
    week = pd.DataFrame({"silences_168h": [0.0, 1.0, 5.0], "hours_observed_168h": [168.0] * 3})
    calm, once, often = hazard.risk(week, 24)

    assert calm < 1 - np.exp(-24 / 1000) < once < often < 1 - np.exp(-24 * 5 / 168)


def test_the_hazard_of_a_fleet_is_its_failures_by_its_hours(seen: pd.DataFrame) -> None:
    rows = seen.groupby("resource_id").size().sum() * PLAN.step_hours
    onset = seen["as_of"] + pd.to_timedelta(seen["hours_to_failure"], unit="h")
    failures = pd.DataFrame({"m": seen["resource_id"], "o": onset.dt.round("min")}).dropna().drop_duplicates()

    assert fit_hazard(seen).rate == pytest.approx(len(failures) / rows, rel=0.02)


def test_a_fleet_that_never_failed_may_yet(seen: pd.DataFrame) -> None:
    hazard = fit_hazard(seen.assign(hours_to_failure=np.nan))

    assert 0 < hazard.rate < 1e-5


def test_no_history_is_an_error_that_says_where_to_look(seen: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match=r"silver\.heartbeats"):
        train(seen.head(0), TrainingOptions())


def test_the_test_rows_of_the_evaluation_are_those_of_the_split(seen: pd.DataFrame, model: FailureModel) -> None:
    rule = TrainingOptions().split

    assert [judged.rows for judged in model.evaluations] == [len(split(seen, h, rule).test) for h in HORIZONS_HOURS]
