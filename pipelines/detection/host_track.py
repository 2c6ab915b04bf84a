"""The values of a host's series, which come one by one, as rows of all its metrics: each row is scored once complete.

A row is complete when a value of a later one has come; values that come after that are too late for it. A host's rows
lie at multiples of its model's interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.detection.block import HostTrack
from pipelines.detection.bundle import Host
from pipelines.detection.multivariate import HostScores, fresh_state, score_rows, skip_rows
from pipelines.detection.scores import FloatMatrix, FloatVector, IntVector


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """`times` (rows,) epoch seconds, `values` (rows, metrics), `scores` of the same rows."""

    times: IntVector
    values: FloatMatrix
    scores: HostScores


def begin(host: Host, version: str, first_row: int) -> HostTrack:
    """The track of a host that its model's history led to, moved on over what was not seen since."""
    state = fresh_state(host.model)
    skip_rows(host.model, state, max(0, (first_row - host.last_row) // host.interval_seconds - 1))
    return HostTrack(version, first_row, np.full(len(host.series_ids), np.nan), state)


def score_host(
    host: Host, version: str, track: HostTrack | None, series: IntVector, times: FloatVector, values: FloatVector
) -> tuple[HostTrack | None, ScoredRows | None]:
    """Score the rows that these values complete; all three (n,), `series` ids, `times` epoch seconds in order.

    Returns the track to go on with (None while the host has sent nothing that its model knows), and the scored rows
    (None if none became complete). A track of another version of the model is begun anew.
    """
    order = np.argsort(host.series_ids)
    column = order[np.searchsorted(host.series_ids, series, sorter=order).clip(max=len(order) - 1)]
    known = (host.series_ids[column] == series) & np.isfinite(values)
    column, values = column[known], values[known]
    row = (times[known] // host.interval_seconds).astype(np.int64) * host.interval_seconds
    if not len(row):
        return track, None
    if track is None or track.version != version:
        track = begin(host, version, int(row.min()))
    in_time = row >= track.open_row
    column, values, row = column[in_time], values[in_time], row[in_time]
    if not len(row):
        return track, None
    rows, place = np.unique(np.append(row, track.open_row), return_inverse=True)
    matrix = np.full((len(rows), len(host.series_ids)), np.nan)
    matrix[0] = track.values
    matrix[place[:-1], column] = values
    *complete, last = rows.tolist()
    state = track.state.copy()
    scored = _score_with_gaps(host, state, np.array(complete, dtype=np.int64), matrix[:-1], last)
    return HostTrack(version, last, matrix[-1], state), scored


def _score_with_gaps(
    host: Host, state: FloatVector, rows: IntVector, matrix: FloatMatrix, following: int
) -> ScoredRows | None:
    """Rows between which there are none are scored together; a gap moves the state on."""
    if not len(rows):
        return None
    missing = np.diff(np.append(rows, following)) // host.interval_seconds - 1
    parts = []
    for run in np.split(np.arange(len(rows)), np.flatnonzero(missing[:-1]) + 1):
        parts.append(score_rows(host.model, state, matrix[run]))
        skip_rows(host.model, state, int(missing[run[-1]]))
    names = ("score", "expected", "lower", "upper", "contributors", "shares")
    together = HostScores(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return ScoredRows(rows, matrix, together)
