"""The score of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms").

A detection within a window is worth the more the earlier it is, and only the earliest of a window counts; one outside
costs, the more the farther it is behind the last window; a missed window costs 1. One threshold for all files, the one
that gives most. 100 is perfect, 0 is a detector that says nothing. The first rows of a file are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipelines.detection.evaluation.history import Windows
from pipelines.detection.scores import FloatVector, IntVector


@dataclass(frozen=True)
class Profile:
    name: str
    false_positive: float
    false_negative: float


PROFILES = (Profile("standard", 0.11, 1.0), Profile("low-FP", 0.22, 1.0), Profile("low-FN", 0.11, 2.0))
_PROBATION_SHARE, _PROBATION_ROWS = 0.15, 750


@dataclass(frozen=True)
class NabScore:
    profile: str
    score: float
    threshold: float


def sigmoid(position: FloatVector) -> FloatVector:
    """What a detection is worth: position -1 is the window's start, 0 its end, beyond 3 far behind it."""
    worth = 2.0 / (1.0 + np.exp(5.0 * np.clip(position, -10.0, 10.0))) - 1.0
    return np.where(position > 3.0, -1.0, worth)


def _worth(rows: int, windows: Windows) -> tuple[IntVector, FloatVector]:
    """(rows,) each: the window that a row lies in, -1 for none; and what a detection there is worth or costs."""
    window, worth = np.full(rows, -1, dtype=np.int64), np.full(rows, -1.0)
    for number, (first, last) in enumerate(windows.spans):
        width = last - first + 1
        inside = np.arange(first, last + 1)
        window[inside] = number
        worth[inside] = sigmoid(-(last - inside + 1.0) / width) / sigmoid(np.array(-1.0))
        until = windows.spans[number + 1][0] if number + 1 < len(windows.spans) else rows
        behind = np.arange(last + 1, until)
        worth[behind] = sigmoid((behind - last) / max(width - 1.0, 1.0))
    return window, worth


def nab_scores(files: Iterable[tuple[FloatVector, Windows]]) -> tuple[NabScore, ...]:
    """The score of each profile over all files, given as (scores of the rows, windows); empty without a window."""
    scores, windows, worths, count = [], [], [], 0
    for score, labelled in files:
        window, worth = _worth(len(score), labelled)
        counted = np.arange(len(score)) >= min(int(_PROBATION_SHARE * len(score)), _PROBATION_ROWS)
        scores.append(score[counted])
        windows.append(np.where(window >= 0, window + count, -1)[counted])
        worths.append(worth[counted])
        count += len(labelled.spans)
    if not count:
        return ()
    score, window, worth = (np.concatenate(parts) for parts in (scores, windows, worths))
    order = np.argsort(-score, kind="stable")
    return tuple(_best(profile, score[order], window[order], worth[order], count) for profile in PROFILES)


def _best(profile: Profile, score: FloatVector, window: IntVector, worth: FloatVector, count: int) -> NabScore:
    """All thresholds at once: rows come in the order of falling score."""
    outside = window < 0
    gains = np.where(outside, profile.false_positive * worth, 0.0)
    for number in range(count):
        rows = np.flatnonzero(window == number)
        if len(rows):
            # A window found later in this order counts only by what it is worth more than before; missed, it costs.
            so_far = np.maximum.accumulate(np.append(-profile.false_negative, worth[rows]))
            gains[rows] = np.diff(so_far)
    totals = np.cumsum(gains) - profile.false_negative * count
    last_of_its_score = np.append(score[1:] != score[:-1], True)
    reachable = np.append(np.where(last_of_its_score, totals, -np.inf), -profile.false_negative * count)
    best = int(np.argmax(reachable))
    threshold = float(score[best]) if best < len(score) else float("inf")
    nothing, perfect = -profile.false_negative * count, float(count)
    return NabScore(profile.name, 100.0 * (float(reachable[best]) - nothing) / (perfect - nothing), threshold)
