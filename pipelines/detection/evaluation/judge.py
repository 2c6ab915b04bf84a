"""Scores against labels: of rows (no point-adjust: with it, random scores look good), and of events as operators see
them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from pipelines.detection.scores import FloatVector

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class PointScore:
    """`auprc`: area under precision and recall of rows (average precision). `f1`: the best of all thresholds;
    `f1_at_threshold`: at the one that is in use."""

    auprc: float
    f1: float
    f1_at_threshold: float


@dataclass(frozen=True)
class EventScore:
    """`events`: runs of labelled rows; `found`: those with a row at the threshold; `false_alarms`: runs of rows at the
    threshold outside of any; `days`: length of the series."""

    events: int
    found: int
    false_alarms: int
    days: float


def judge_points(scores: FloatVector, labels: NDArray[np.bool_], threshold: float) -> PointScore | None:
    """None if no row is labelled, or all are."""
    if labels.all() or not labels.any():
        return None
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    said = scores >= threshold
    hits = int((said & labels).sum())
    return PointScore(
        float(average_precision_score(labels, scores)),
        float(f1.max()),
        2 * hits / (int(said.sum()) + int(labels.sum())),
    )


def judge_events(scores: FloatVector, labels: NDArray[np.bool_], times: FloatVector, threshold: float) -> EventScore:
    said = scores >= threshold
    events = runs(labels)
    found = sum(bool(said[first : last + 1].any()) for first, last in events)
    days = float(times.max() - times.min()) / _DAY_SECONDS if len(times) else 0.0
    return EventScore(len(events), found, len(runs(said & ~labels)), days)


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, last) of each unbroken run of true."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
