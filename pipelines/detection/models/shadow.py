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
from pipelines.detection.models.exclusions import covered
from pipelines.detection.models.history import score_history
from pipelines.detection.models.host_rows import in_order, interval_of, to_rows
from pipelines.detection.models.injection import inject
from pipelines.detection.models.training_data import Told
from pipelines.detection.models.training_plan import Plan
from pipelines.detection.scores import FloatVector, IntVector

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


@dataclass(frozen=True, eq=False)
class _Units:
    """The intervals of a host: unit i begins at (`first` + i) * `interval` s; `of_row`: where a row falls."""

    interval: int
    first: int
    count: int
    of_row: IntVector

    @property
    def times(self) -> FloatVector:
        return np.asarray((self.first + np.arange(self.count)) * float(self.interval))

    def at(self, times: FloatVector) -> IntVector:
        return np.floor(times / self.interval).astype(np.int64) - self.first

    def with_any(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Units with a row of which it is true."""
        return np.asarray(np.bincount(self.of_row, weights=rows, minlength=self.count) > 0)

    def touched_by(self, spans: FloatVector) -> NDArray[np.bool_]:
        begins = self.times[:, None]
        return np.asarray(((begins + self.interval > spans[:, 0]) & (begins < spans[:, 1])).any(axis=1))

    def greatest(self, said: _Said) -> FloatVector:
        best = np.zeros(self.count)
        np.maximum.at(best, self.of_row, said.univariate)
        # A host's model may have another interval: that of its training.
        unit = np.clip(self.at(said.times), 0, self.count - 1)
        np.maximum.at(best, unit, said.multivariate)
        return best


def judge_host(frame: pd.DataFrame, resource_id: str, contest: Contest) -> Judged:
    """All units of one host in the held-back part; `frame`: its rows since `warm_from`, as training_data has them."""
    frame = in_order(frame)
    held_from = contest.plan.held_from.timestamp()
    units = _units_of(frame)
    injected = inject(frame, resource_id, held_from, units.interval, contest.plan.seed)
    changed = frame.assign(value=injected.values)
    champion, challenger = contest.champion, contest.challenger
    plain = _say(challenger, frame, resource_id)
    left_out = covered(frame, resource_id, contest.told.not_judged)
    everything = np.ones(len(frame), dtype=np.bool_)
    kept = units.with_any(everything) & ~units.with_any(left_out) & (units.times >= held_from)
    return Judged(
        time=units.times[kept],
        to_find=units.with_any(covered(frame, resource_id, contest.told.to_find))[kept],
        injected_span=units.touched_by(injected.spans)[kept],
        champion_plain=units.greatest(_say(champion, frame, resource_id))[kept],
        champion_injected=units.greatest(_say(champion, changed, resource_id))[kept],
        challenger_plain=units.greatest(plain)[kept],
        challenger_injected=units.greatest(_say(challenger, changed, resource_id))[kept],
        univariate=plain.univariate[kept[units.of_row]],
        multivariate=plain.multivariate[kept[np.clip(units.at(plain.times), 0, units.count - 1)]],
    )


def _units_of(frame: pd.DataFrame) -> _Units:
    interval = interval_of(frame)
    cell = np.floor(frame["time"].to_numpy() / interval).astype(np.int64)
    first = int(cell.min())
    return _Units(interval, first, int(cell.max()) - first + 1, cell - first)


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
    return scores.score[measured], np.asarray(times[measured])


def to_bytes(judged: Judged) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **vars(judged))
    return packed.getvalue()


def join(packed: list[bytes]) -> Judged:
    """Of many hosts one, in the order given."""
    opened = [np.load(io.BytesIO(one), allow_pickle=False) for one in packed]
    names = Judged.__dataclass_fields__
    return Judged(**{name: np.concatenate([one[name] for one in opened]) for name in names})
