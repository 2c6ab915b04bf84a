"""A history through the very code of the scoring stream, with what it would have said row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.detection.block import empty_block
from pipelines.detection.bundle import Bundle, Host
from pipelines.detection.evaluation.history import HostHistory, SeriesHistory
from pipelines.detection.host_track import score_host
from pipelines.detection.multivariate import fit, leading
from pipelines.detection.published import Champion, Published
from pipelines.detection.score_frame import score_frame
from pipelines.detection.scores import FloatVector
from pipelines.errors import EvaluationError

_SEED = 0


@dataclass(frozen=True, eq=False)
class Scored:
    """A number a row, in the order of the file. Of a host `value` and band are those of its row's top contributor,
    `contributor` names it; of a series they are its own."""

    value: FloatVector
    score: FloatVector
    expected: FloatVector
    lower: FloatVector
    upper: FloatVector
    contributor: tuple[str, ...] | None

    def as_frame(self) -> pd.DataFrame:
        """The columns that are written: anomaly_score, expected, lower, upper (and value and contributor of a host)."""
        columns = {
            "anomaly_score": self.score, "expected": self.expected, "lower": self.lower, "upper": self.upper,
        }  # fmt: skip
        if self.contributor is not None:
            return pd.DataFrame({**columns, "value": self.value, "contributor": self.contributor})
        return pd.DataFrame(columns)


def score_series(history: SeriesHistory, bundle: Bundle) -> Scored:
    """Score a series' rows as the stream would have, had they come one after the other."""
    rows = len(history.values)
    frame = pd.DataFrame(
        {
            # Rows of one time stay in the order of the file.
            "score_id": [f"{row:012d}" for row in range(rows)],
            "series_id": 1,
            "resource_id": str(history.path),
            "host_name": None,
            "namespace": "",
            "metric": history.path.stem,
            "event_time": pd.to_datetime((history.times * 1e6).astype(np.int64), unit="us"),
            "value": history.values,
            "kafka_timestamp": pd.NaT,
            "ingest_time": pd.NaT,
        }
    )
    scored = score_frame(frame, empty_block(), Champion(Published("backtest", "0", ""), bundle))
    scored = scored.sort_values("score_id", ignore_index=True)
    score, expected, lower, upper = (
        scored[name].to_numpy(np.float64) for name in ("anomaly_score", "expected", "lower", "upper")
    )
    return Scored(history.values, score, expected, lower, upper, None)


def score_host_history(history: HostHistory) -> Scored:
    """Train on the history's train rows, then score its test rows as the stream would have, one value after the other.

    Raises ModelError if there are too few rows to train on.
    """
    model = fit(history.train, history.metric_names, _SEED)
    metrics, rows = len(history.metric_names), len(history.test)
    interval = int(history.interval_seconds)
    if interval < 1:
        raise EvaluationError(f"{history.path}: its rows are {history.interval_seconds} s apart; a second is the least")
    host = Host(np.arange(metrics, dtype=np.int64), interval, 0, model)
    # A row is scored when the next one has begun: so one more begins, without a value that says anything.
    times = np.repeat(interval * np.arange(1.0, rows + 2.0), metrics)
    values = np.append(np.where(np.isfinite(history.test), history.test, np.nan).ravel(), np.zeros(metrics))
    _, scored = score_host(host, "0", None, np.tile(host.series_ids, rows + 1), times, values)
    if scored is None or len(scored.times) != rows:
        raise EvaluationError(f"{history.path}: has rows without any value; remove them from train and test")
    value, expected, lower, upper = leading(scored.scores, scored.values)
    first = scored.scores.contributors[:, 0].tolist()
    names = tuple(history.metric_names[metric] if metric >= 0 else "" for metric in first)
    return Scored(value, scored.scores.score, expected, lower, upper, names)
