"""How remarkable a log pattern is that was never seen before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# OpenTelemetry's severity numbers (data model of logs, "Severity fields"), and the classes that they are put in here.
INFO, WARN, ERROR, FATAL = 9, 13, 17, 21
_LOWEST = np.array([0, INFO, WARN, ERROR, FATAL])
# By class, the score of a pattern that is new to a resource just past its probation, and to one known for ever.
_YOUNG = np.array([0.3, 0.4, 0.8, 0.88, 0.94])
_OLD = np.array([0.5, 0.6, 0.9, 0.96, 1.0])


@dataclass(frozen=True)
class NoveltyRules:
    """Nothing is new to a resource until `probation_minutes` after its first record, nor before `probation_messages`.

    Of the new patterns within `mass_minutes`, `mass_free` have their full score; an upgrade makes many.
    """

    probation_minutes: int = 60
    probation_messages: int = 200
    mass_minutes: int = 10
    mass_free: int = 5


def severity_class(severity: NDArray[np.int64]) -> NDArray[np.int64]:
    """OpenTelemetry severity numbers, 0 where there is none → 0 (below info, or none) to 4 (fatal)."""
    return np.searchsorted(_LOWEST, severity, side="right") - 1


def past_probation(
    known_minutes: NDArray[np.int64], messages: NDArray[np.int64], rules: NoveltyRules
) -> NDArray[np.bool_]:
    """Whether the resources are known well enough, by minutes since the first record and by number of records."""
    return (known_minutes >= rules.probation_minutes) & (messages >= rules.probation_messages)


def novelty_scores(
    severity: NDArray[np.int64], known_minutes: NDArray[np.int64], ranks: NDArray[np.int64], rules: NoveltyRules
) -> NDArray[np.float64]:
    """Scores in [0, 1] of new patterns, by severity number, the age of the resource, and place among the new ones.

    `ranks` is from 0. From warnings on, a score is at least 0.8 where the rank is below `mass_free`.
    """
    level = severity_class(severity)
    maturity = 1.0 - rules.probation_minutes / np.maximum(known_minutes, max(rules.probation_minutes, 1))
    full = _YOUNG[level] + (_OLD[level] - _YOUNG[level]) * maturity
    return np.asarray(full * np.minimum(1.0, rules.mass_free / (ranks + 1.0)))


def ranks_among_new(
    minutes: NDArray[np.int64],
    severity: NDArray[np.int64],
    earlier_minutes: NDArray[np.int64],
    earlier_severity: NDArray[np.int64],
    rules: NoveltyRules,
) -> NDArray[np.int64]:
    """The place of each new pattern among those of the `mass_minutes` until it, from 0.

    Only patterns that are as severe count, and of two in a batch the later: so the many harmless new patterns of an
    upgrade do not hide an error. `minutes` is in ascending order.
    """
    level, earlier_level = severity_class(severity), severity_class(earlier_severity)
    all_minutes, all_levels = np.concatenate([earlier_minutes, minutes]), np.concatenate([earlier_level, level])
    ranks = np.empty(len(minutes), dtype=np.int64)
    for place in range(len(minutes)):
        before = slice(0, len(earlier_minutes) + place)
        recent = np.abs(all_minutes[before] - minutes[place]) < rules.mass_minutes
        ranks[place] = np.count_nonzero(recent & (all_levels[before] >= level[place]))
    return ranks
