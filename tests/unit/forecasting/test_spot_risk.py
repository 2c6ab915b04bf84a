"""Interruption risk and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.forecasting.spot_risk import (
    estate_prior,
    expected_cost,
    interruption_rate,
    interruption_risk,
    price_pressure,
    risk_index,
)
from pipelines.gold.spot_rows import vcpus


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_of_an_offer_of_which_nothing_is_known_the_rate_is_that_of_the_estate() -> None:
    prior = estate_prior(interruptions=50, instance_hours=50_000)

    assert interruption_rate(one(0), one(0), prior)[0] == pytest.approx(50 / 50_000, rel=0.02)


def test_what_is_seen_of_an_offer_overcomes_the_estate() -> None:
    prior = estate_prior(interruptions=50, instance_hours=50_000)

    assert interruption_rate(one(100), one(10_000), prior)[0] == pytest.approx(0.01, rel=0.1)


def test_the_risk_of_a_day_is_about_the_rate_times_the_hours_where_it_is_small() -> None:
    prior = estate_prior(interruptions=0, instance_hours=0)
    counts, hours = one(10), one(100_000)

    expected = 24 * interruption_rate(counts, hours, prior)[0]
    assert interruption_risk(counts, hours, prior)[0] == pytest.approx(expected, rel=0.01)


def test_pressure_is_the_share_of_the_forecast_above_what_is_usual() -> None:
    assert price_pressure(one(1.0), one(0.1), one(1.0))[0] == pytest.approx(0.5)
    assert price_pressure(one(1.1), one(0.1), one(1.0))[0] == pytest.approx(0.9)
    assert price_pressure(one(1.0), one(0.0), one(1.0))[0] == 0.0
    assert price_pressure(one(1.1), one(0.0), one(1.0))[0] == 1.0


def test_the_index_is_never_below_the_risk_and_is_the_risk_without_pressure() -> None:
    assert risk_index(one(0.2), one(np.nan))[0] == pytest.approx(0.2)
    assert risk_index(one(0.2), one(0.0))[0] == pytest.approx(0.2)
    assert risk_index(one(0.2), one(1.0))[0] == pytest.approx(0.6)


def test_an_interruption_makes_work_dearer() -> None:
    assert expected_cost(one(1.0), one(0.0))[0] == 1.0
    # One a day for certain costs two hours of 24, and more the more there are.
    assert expected_cost(one(1.0), one(1 - np.exp(-1)))[0] == pytest.approx(1 + 2 / 24)


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [("m5.large", 2), ("m5.xlarge", 4), ("c6g.16xlarge", 64), ("m5.metal", None), ("t3.micro", None), ("odd", None)],
)
def test_vcpus_are_told_by_the_size(instance_type: str, expected: int | None) -> None:
    assert vcpus(instance_type) == expected
