"""The streaming detector of one series: how surprising is a value, given nothing but the series' own past?

It needs no training and never looks ahead. Three distances are each turned into a rarity, -log10 of the share of the
series' own (fading) past that lay as far out: of a short and of a longer mean from the slow, robust location of the
series, and of a value from the one before. The rarest of them, and how far the value lies outside all that was ever
seen, are the evidence. It is counted less after an alert, so that an incident gives one; where there were many alerts
of late; at an hour of the day when such things are usual (a nightly backup); and in series sampled more often than
usual, which have more chances a day to look odd. A profile of the day is taken off first, once two days were seen and
only while it predicts better than none.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from pipelines.detection import univariate_kernel
from pipelines.detection.scores import FloatMatrix, FloatVector, IntVector, Scores

# Changes with the meaning of any number of the state: a state of another layout cannot be read.
STATE_LAYOUT = 1
# float64 numbers a series.
STATE_WIDTH = univariate_kernel.STATE_WIDTH


@dataclass(frozen=True)
class Parameters:
    """Plain numbers, one set for all series; the kernel takes them in this order. Evidence is in decades of rarity."""

    # Evidence at which the score is scores.ANOMALY_THRESHOLD: 2.5 is a row in 300, before what counts against it.
    threshold: float = 2.5
    # Evidence of a value outside all that was seen by as much as that is wide; a part of it until so many rows.
    range_weight: float = 20.0
    range_rows: float = 500.0
    # How much the rarity of a single step counts beside that of a mean.
    step_weight: float = 0.7
    # Distances (in mean absolute deviations, in usual steps) under which rarity alone counts for less.
    mean_effect: float = 2.5
    step_effect: float = 6.0
    # Rows before which nothing is called an anomaly.
    probation: float = 100.0
    # Rows over which location and scale, and the histograms, forget; and over which the two means run.
    memory: float = 1200.0
    tail_memory: float = 10000.0
    short_rows: float = 10.0
    middle_rows: float = 50.0
    # After an alert: rows, or seconds if that is more, until as much evidence counts in full again.
    cooldown_rows: float = 70.0
    cooldown_seconds: float = 14400.0
    # Evidence that each alert of late takes from the next, and the rows over which that fades.
    fatigue_weight: float = 0.2
    fatigue_rows: float = 2000.0
    # The profile of the day is used while its error is below this share of the error without it; days it remembers.
    season_gain: float = 0.8
    season_days: float = 7.0
    # Share of the evidence usual at this hour of the day that is taken off, and how fast a habit is learnt a day.
    habit_weight: float = 0.25
    habit_pace: float = 0.5
    # Seconds between rows under which a series must show more: a decade for ten times as many rows, and never more.
    usual_interval: float = 300.0


def fresh_states(series: int) -> FloatMatrix:
    """The states of `series` series of which nothing is known yet: zeros, (series, STATE_WIDTH)."""
    return np.zeros((series, STATE_WIDTH), dtype=np.float64)


def score_points(
    states: FloatMatrix,
    series: IntVector,
    times: FloatVector,
    values: FloatVector,
    parameters: Parameters,
    strictness: FloatVector,
) -> Scores:
    """Score each row by what its series' state knows, then learn it: `states` is updated in place.

    `series` (n,) are rows of `states`, `times` (n,) epoch seconds, `values` (n,), in the order of time within a series.
    `strictness` (series,), above 0, is how many times the usual evidence a series must show (1: as usual). How rows
    are split into calls changes nothing. A row not after the last one of its series is scored and not learnt; one that
    holds no number (NaN, infinite, beyond ±1e100) has score 0 and is not learnt.

    The score is e / (e + threshold / 4) of the evidence e that is left: 0 without any, 0.8 at the threshold, never 1.
    `expected` is the forecast that was best of late (last value, short mean or slow location, with the profile of the
    day where that helps), `lower` and `upper` the band that follows 99 of 100 values.
    """
    given = np.empty((4, values.size), dtype=np.float64)
    numbers = np.array(astuple(parameters), dtype=np.float64)
    univariate_kernel.score_rows(
        states, _ints(series), _floats(times), _floats(values), numbers, _floats(strictness), given
    )
    return Scores(given[0], given[1], given[2], given[3])


def _floats(column: FloatVector) -> FloatVector:
    """The compiled loop takes writable, dense arrays alone; what comes out of Arrow is often neither, and is copied."""
    return np.require(column, np.float64, ["C", "W"])


def _ints(column: IntVector) -> IntVector:
    return np.require(column, np.int64, ["C", "W"])
