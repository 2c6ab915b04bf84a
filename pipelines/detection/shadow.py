"""Champion and challenger side by side on data that was held back: what each would have said, host by host.

What is compared is what an operator sees: a host in one interval, alerted by any of its series or by the host's model.
So the score of such a *unit* is the greatest of all scores that fall into it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.detection import multivariate
from pipelines.detection.bundle import Bundle, Host
from pipelines.detection.exclusions import covered
from pipelines.detection.history import score_history
from pipelines.detection.host_rows import in_order, interval_of, to_rows
from pipelines.detection.injection import inject
from pipelines.detection.scores import FloatVector, IntVector
from pipelines.detection.training_data import Told
from pipelines.detection.training_plan import Plan

UNIVARIATE, MULTIVARIATE = "univariate", "multivariate"


@dataclass(frozen=True)
class Contest:
    """Who is compared, on what."""

    champion: Bundle
    challenger: Bundle
    plan: Plan
    told: Told


@dataclass(frozen=True, eq=False)
class Judged:
    """Units of one or many hosts, (units,) each: `time` (epoch seconds); scores on the data as it was (`plain`) and
    with anomalies put in (`injected`); `to_find`: an operator called it true; `injected_span`: one was put there.
    `univariate`, `multivariate`: the challenger's scores on the data as it was, a number a scored row.
    """

    time: FloatVector
    to_find: NDArray[np.bool_]
    injected_span: NDArray[np.bool_]
    champion_plain: FloatVector
    champion_injected: FloatVector
    challenger_plain: FloatVector
    challenger_injected: FloatVector
    univariate: FloatVector
    multivariate: FloatVector


@dataclass(frozen=True, eq=False)
class _Said:
    """What one bundle says: univariate scores (rows,), multivariate scores and their times (host rows,)."""

    univariate: FloatVector
    multivariate: FloatVector
    times: FloatVector

    def by_unit(self, unit_of_row: IntVector, interval: int, first: int, units: int) -> FloatVector:
        best = np.zeros(units)
        np.maximum.at(best, unit_of_row, self.univariate)
        unit = np.floor(self.times / interval).astype(np.int64) - first
        inside = (unit >= 0) & (unit < units)
        np.maximum.at(best, unit[inside], self.multivariate[inside])
        return best


def judge_host(frame: pd.DataFrame, resource_id: str, contest: Contest) -> Judged:
    """All units of one host in the held-back part; `frame`: its rows since `warm_from`, as training_data has them."""
    frame = in_order(frame)
    held_from = contest.plan.held_from.timestamp()
    interval = interval_of(frame)
    injected = inject(frame, resource_id, held_from, interval, contest.plan.seed)
    changed = frame.assign(value=injected.values)
    cell = np.floor(frame["time"].to_numpy() / interval).astype(np.int64)
    first, units = int(cell.min()), int(cell.max() - cell.min()) + 1
    said = [
        _say(bundle, rows, resource_id)
        for bundle in (contest.champion, contest.challenger)
        for rows in (frame, changed)
    ]
    scores = [one.by_unit(cell - first, interval, first, units) for one in said]
    not_judged = covered(frame, resource_id, contest.told.not_judged)
    known = np.bincount(cell - first, minlength=units) > 0
    times = (first + np.arange(units)) * float(interval)
    kept = known & ~_any(not_judged, cell - first, units) & (times >= held_from)
    inside = ((times[:, None] + interval > injected.spans[:, 0]) & (times[:, None] < injected.spans[:, 1])).any(axis=1)
    to_find = _any(covered(frame, resource_id, contest.told.to_find), cell - first, units)
    plain = said[2]
    late = plain.times >= held_from
    return Judged(
        times[kept], to_find[kept], inside[kept], *(one[kept] for one in scores),
        plain.univariate[~not_judged & (frame["time"].to_numpy() >= held_from)], plain.multivariate[late],
    )  # fmt: skip


def _say(bundle: Bundle, frame: pd.DataFrame, resource_id: str) -> _Said:
    scores = score_history(bundle, frame["series_id"], frame["time"], frame["value"])
    host = bundle.hosts.get(resource_id)
    if host is None or not np.isin(frame["series_id"], host.series_ids).any():
        return _Said(scores.score, np.empty(0), np.empty(0))
    return _Said(scores.score, *_host_scores(host, frame))


def _host_scores(host: Host, frame: pd.DataFrame) -> tuple[FloatVector, FloatVector]:
    """Scores of the host's rows, and when each begins; the day goes on from where the model's history ended."""
    rows = to_rows(frame, host.series_ids, host.model.metric_names, host.interval_seconds)
    state = multivariate.fresh_state(host.model)
    multivariate.skip_rows(host.model, state, (rows.first - host.last_row) // host.interval_seconds - 1)
    scores = multivariate.score_rows(host.model, state, rows.values)
    times = rows.first + np.arange(len(rows.values)) * float(rows.interval)
    measured = (~np.isnan(rows.values)).any(axis=1)
    return scores.score[measured], times[measured]


def _any(rows: NDArray[np.bool_], unit: IntVector, units: int) -> NDArray[np.bool_]:
    return np.bincount(unit, weights=rows, minlength=units) > 0


def to_bytes(judged: Judged) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **vars(judged))
    return packed.getvalue()


def join(packed: list[bytes]) -> Judged:
    """Of many hosts one, in the order given."""
    opened = [np.load(io.BytesIO(one), allow_pickle=False) for one in packed]
    names = Judged.__dataclass_fields__
    return Judged(**{name: np.concatenate([one[name] for one in opened]) for name in names})
