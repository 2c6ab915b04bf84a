"""Scoring of whole histories: what the stream would have said of these rows, had it begun with the first of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.detection.bundle import Bundle
from pipelines.detection.scores import FloatVector, Scores
from pipelines.detection.univariate import fresh_states, score_points


def score_history(bundle: Bundle, series_id: pd.Series, event_time: pd.Series, value: pd.Series) -> Scores:
    """Scores in the order of the rows given, which may be any; each series begins with nothing known.

    `series_id` int64, `event_time` timestamps (UTC where they have no zone) or epoch seconds, `value` float; all (n,).
    """
    times = epoch_seconds(event_time)
    codes, known = pd.factorize(series_id)
    order = np.argsort(times, kind="stable")
    strictness = np.array([bundle.strictness.get(int(series), 1.0) for series in known], dtype=np.float64)
    values = value.to_numpy(dtype=np.float64, na_value=np.nan)
    scores = score_points(
        fresh_states(len(known)),
        codes.astype(np.int64)[order],
        times[order],
        values[order],
        bundle.parameters,
        strictness,
    )
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Scores(scores.score[back], scores.expected[back], scores.lower[back], scores.upper[back])


def epoch_seconds(times: pd.Series) -> FloatVector:
    """Timestamps as seconds since 1970, numbers as they are: (n,) float64."""
    if pd.api.types.is_numeric_dtype(times):
        return np.asarray(times.to_numpy(dtype=np.float64))
    moments = pd.to_datetime(times, utc=True).dt.tz_localize(None).astype("datetime64[us]")
    return np.asarray(moments.astype("int64").to_numpy(), dtype=np.float64) / 1e6
