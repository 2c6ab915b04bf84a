"""One history after the other: read it, score it, write what was scored, draw it, judge it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.bundle import Bundle
from pipelines.detection.evaluation.backtest import Scored, score_host_history, score_series
from pipelines.detection.evaluation.draw import draw
from pipelines.detection.evaluation.history import Windows, find, read_host, read_series, read_windows
from pipelines.detection.evaluation.judge import EventScore, PointScore, judge_events, judge_points, runs
from pipelines.detection.scores import FloatVector


@dataclass(frozen=True)
class Step:
    """A file to evaluate, relative to the folder."""

    path: Path
    is_host: bool


@dataclass(frozen=True, eq=False)
class Result:
    """What came of a file. `windows`, `events`, `points` are None where it has no such labels; `score` (rows,)."""

    path: Path
    is_host: bool
    rows: int
    anomalies: int
    score: FloatVector
    windows: Windows | None
    events: EventScore | None
    points: PointScore | None


def plan(folder: Path) -> tuple[Step, ...]:
    """Raises EvaluationError if there is nothing to evaluate."""
    found = find(folder)
    return tuple(Step(path, path in found.hosts) for path in (*found.series, *found.hosts))


def evaluate(folder: Path, out: Path, step: Step, threshold: float) -> Result:
    """Score one file and write its scores and picture below `out`. Raises EvaluationError or ModelError."""
    return _of_host(folder, out, step, threshold) if step.is_host else _of_series(folder, out, step, threshold)


def _of_series(folder: Path, out: Path, step: Step, threshold: float) -> Result:
    history = read_series(folder, step.path, read_windows(folder))
    scored = score_series(history, Bundle())
    written = out / step.path
    written.parent.mkdir(parents=True, exist_ok=True)
    scored.as_frame().to_csv(written, index=False)
    spans = [] if history.windows is None else list(history.windows.spans)
    labels = _labels(len(scored.score), spans, history.labels)
    marked = runs(labels) if history.labels is not None else spans
    draw(step.path.as_posix(), history.times, scored, marked, threshold, written.with_suffix(".png"))
    events = None
    if history.windows is not None or history.labels is not None:
        events = judge_events(scored.score, labels, history.times, threshold)
    return _result(step, scored, threshold, history.windows, events, None)


def _of_host(folder: Path, out: Path, step: Step, threshold: float) -> Result:
    history = read_host(folder, step.path)
    scored = score_host_history(history)
    written = out / step.path
    written.parent.mkdir(parents=True, exist_ok=True)
    scored.as_frame().to_parquet(written, index=False)
    times = history.interval_seconds * np.arange(len(scored.score), dtype=np.float64)
    marked = [] if history.labels is None else runs(history.labels)
    title = f"{step.path.as_posix()}: of each row the metric that is farthest out"
    draw(title, times, scored, marked, threshold, written.with_suffix(".png"))
    points = None if history.labels is None else judge_points(scored.score, history.labels, threshold)
    return _result(step, scored, threshold, None, None, points)


def _labels(rows: int, spans: list[tuple[int, int]], labels: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    if labels is not None:
        return labels
    marked = np.zeros(rows, dtype=np.bool_)
    for first, last in spans:
        marked[first : last + 1] = True
    return marked


def _result(
    step: Step,
    scored: Scored,
    threshold: float,
    windows: Windows | None,
    events: EventScore | None,
    points: PointScore | None,
) -> Result:
    anomalies = int((scored.score >= threshold).sum())
    return Result(step.path, step.is_host, len(scored.score), anomalies, scored.score, windows, events, points)
