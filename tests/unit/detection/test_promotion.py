"""The rule by which a challenger becomes champion, on figures; and where the figures come from."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.detection.models.promotion import Figures, decide, figures
from pipelines.detection.models.shadow import Judged

CHAMPION = Figures(auprc=0.50, alerts=100, units=10_000)


@pytest.mark.parametrize(
    ("challenger", "better", "why"),
    [
        (Figures(0.51, 100, 10_000), True, "finds more"),
        (Figures(0.51, 110, 10_000), True, "finds more"),
        (Figures(0.90, 111, 10_000), False, "more than 1.1 times the champion's alerts"),
        (Figures(0.50, 99, 10_000), True, "finds as much with fewer alerts"),
        (Figures(0.495, 99, 10_000), True, "finds as much with fewer alerts"),
        (Figures(0.50, 100, 10_000), False, "not better"),
        (Figures(0.509, 100, 10_000), False, "not better"),
        (Figures(0.48, 1, 10_000), False, "not better"),
        (Figures(float("nan"), 0, 10_000), False, "nothing was to be found"),
    ],
)
def test_better_is_finding_more_or_as_much_with_fewer_alerts(challenger: Figures, better: bool, why: str) -> None:
    decision = decide(CHAMPION, challenger)

    assert decision.better is better
    assert why in decision.reason


def test_beside_a_champion_that_never_alerts_a_challenger_may_in_one_of_a_thousand_intervals() -> None:
    silent = Figures(0.2, 0, 10_000)

    assert decide(silent, Figures(0.9, 10, 10_000)).better
    assert not decide(silent, Figures(0.9, 11, 10_000)).better


def test_alerts_are_counted_on_what_happened_and_true_ones_are_none_to_avoid() -> None:
    """Of four intervals the first was an incident, the third has an anomaly put in."""
    plain = np.array([0.9, 0.85, 0.1, 0.1])
    injected = np.array([0.9, 0.85, 0.95, 0.1])
    nothing = np.zeros(4)
    judged = Judged(
        time=np.arange(4.0),
        to_find=np.array([True, False, False, False]),
        injected_span=np.array([False, False, True, False]),
        champion_plain=nothing, champion_injected=nothing, challenger_plain=plain, challenger_injected=injected,
        univariate=nothing, multivariate=nothing,
    )  # fmt: skip

    assert figures(judged, plain, injected, threshold=0.8) == Figures(auprc=1.0, alerts=1, units=3)
