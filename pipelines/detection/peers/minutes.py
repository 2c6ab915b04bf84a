"""One bucket's rows of silver.metrics, held against their siblings: a minute of a group when it is over.

A minute is over when a value of a later one has come from anywhere in the group. Values of it that come after that are
ignored, as the detector has moved on; their hosts count as not measured in that minute. So are values whose minute had
not begun when Kafka got them: one host with a clock ahead would end each minute before its siblings have sent theirs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipelines.detection.peers.distance import PeerParameters, peer_scores
from pipelines.detection.peers.state import GROUP, KEY, LEARNT, MEMBERS, MINUTE, NAMES, PeerState
from pipelines.detection.score_frame import SCORED, epoch_seconds, identity

PEER, MODEL = "peer", "peer_group"
# What the stream hands over for each row of silver.metrics; it gets back rows of `score_frame.SCORED`.
GIVEN = (
    "peer_group bigint, series_id bigint, resource_id string, host_name string, namespace string, metric string, "
    "event_time timestamp, value double, kafka_timestamp timestamp, ingest_time timestamp"
)
_COLUMNS = [column.strip().split()[0] for column in SCORED.split(",")]
_ARRIVAL = ["kafka_timestamp", "ingest_time"]
_BOUNDS = ["expected", "lower", "upper", "anomaly_score"]


@dataclass(frozen=True)
class PeerRules:
    """`least_score`: lower scores are not written. A row a series and minute would double the table, and a peer score
    of less says that a host is like its siblings. `forget_seconds`: a series without a value for so long is dropped.
    `wait_minutes`: how many further minutes a minute is held open for values that come late."""

    parameters: PeerParameters = field(default_factory=PeerParameters)
    least_score: float = 0.5
    forget_seconds: float = 30 * 86_400.0
    wait_minutes: int = 0

    @property
    def version(self) -> str:
        """No registry holds this model: it is its parameters."""
        return f"builtin-{hashlib.md5(repr(self.parameters).encode(), usedforsecurity=False).hexdigest()[:8]}"


@dataclass(frozen=True, eq=False)
class Step:
    """What rows lead to: the state after them, and the scores of minutes that are over (columns of SCORED)."""

    state: PeerState
    scored: pd.DataFrame


def advance(state: PeerState, frame: pd.DataFrame, rules: PeerRules) -> Step:
    """Learn `frame`, in the columns of GIVEN and any order, and score the minutes that it ends. `state` stays as is."""
    rows = _measured(frame)
    members = _with_new(state.members, rows)
    closed_before, closed_to = (_closed_to(each, rules) for each in (state.members, members))
    # Of a group that was not known the former is NaN, and nothing is late.
    in_time = rows[~(rows[MINUTE] <= rows[GROUP].map(closed_before))]
    added = in_time.groupby([*KEY, MINUTE], as_index=False).agg(sum=("value", "sum"), count=("value", "size"))
    cells = pd.concat([state.cells, added], ignore_index=True).groupby([*KEY, MINUTE], as_index=False).sum()
    is_over = cells[MINUTE] <= cells[GROUP].map(closed_to)
    members, scored = _score(members, cells[is_over], rules)
    arrived = _with_arrival(scored[scored["anomaly_score"] >= rules.least_score], rows, rules)
    return Step(_remembered(members, cells[~is_over], rows, rules), _named(arrived, rules))


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are numbers of a minute that had begun, with it, in an order that is not that of their coming."""
    minutes, arrivals = (epoch_seconds(frame[name]) // 60 for name in ("event_time", "kafka_timestamp"))
    usable = np.isfinite(frame["value"].to_numpy(np.float64)) & (minutes <= arrivals)
    rows = frame.assign(**{MINUTE: minutes.astype(np.int64)})[usable]
    return rows.sort_values([*KEY, "event_time", "value"], ignore_index=True)


def _with_new(members: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The members after `rows`: those known with what they have learnt, and those that are new."""
    told = rows[[*KEY, *NAMES]].assign(newest=rows[MINUTE], **dict.fromkeys(LEARNT, 0.0))
    kept = dict.fromkeys(NAMES, "last") | {"newest": "max"} | dict.fromkeys(LEARNT, "first")
    return pd.concat([members, told], ignore_index=True).groupby(KEY, as_index=False).agg(kept)[MEMBERS.names]


def _closed_to(members: pd.DataFrame, rules: PeerRules) -> pd.Series:
    """By group: the newest minute that is over."""
    return members.groupby(GROUP)["newest"].max() - 1 - rules.wait_minutes


def _score(members: pd.DataFrame, over: pd.DataFrame, rules: PeerRules) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The members with what they learnt of the minutes `over`, and those minutes with `value`, their names and scores.

    What a series has no score of, for want of siblings, is left out.
    """
    over = over.sort_values([MINUTE, *KEY], ignore_index=True)
    at = pd.MultiIndex.from_frame(members[KEY]).get_indexer(pd.MultiIndex.from_frame(over[KEY]))
    groups, values = over[GROUP].to_numpy(np.int64), (over["sum"] / over["count"]).to_numpy(np.float64)
    learnt = members[LEARNT].to_numpy(np.float64, copy=True)
    found = np.empty((len(over), len(_BOUNDS)))
    ends = np.flatnonzero(np.diff(over[MINUTE].to_numpy(np.int64), append=-1)) + 1
    for begin, end in zip([0, *ends[:-1]], ends, strict=False):
        rows = at[begin:end]
        state = learnt[rows]
        scores = peer_scores(groups[begin:end], values[begin:end], state, rules.parameters)
        learnt[rows] = state
        found[begin:end] = np.stack([scores.expected, scores.lower, scores.upper, scores.score], axis=1)
    scored = over.assign(value=values, **dict(zip(_BOUNDS, found.T, strict=True)))
    named = pd.concat([scored, members[NAMES].iloc[at].reset_index(drop=True)], axis=1)
    return members.assign(**dict(zip(LEARNT, learnt.T, strict=True))), named[np.isfinite(named["expected"])]


def _with_arrival(scored: pd.DataFrame, rows: pd.DataFrame, rules: PeerRules) -> pd.DataFrame:
    """`scored` with the arrival of what ended the minute: the first value of the group that was late enough."""
    arrivals = rows.groupby([GROUP, MINUTE], as_index=False)[_ARRIVAL].min().sort_values(MINUTE)
    due = scored.assign(due=scored[MINUTE] + 1 + rules.wait_minutes)
    arrivals = arrivals.rename(columns={MINUTE: "due"})
    return pd.merge_asof(due, arrivals, on="due", by=GROUP, direction="forward")


def _named(scored: pd.DataFrame, rules: PeerRules) -> pd.DataFrame:
    seconds = scored[MINUTE].to_numpy(np.int64) * 60
    series = scored["series_id"].astype(str)
    return scored.assign(
        score_id=[identity(PEER, name, second) for name, second in zip(series, seconds.tolist(), strict=True)],
        event_time=pd.to_datetime(seconds, unit="s").astype("datetime64[us]"),
        detector=PEER,
        top_contributors=[[]] * len(scored),
        model_name=MODEL,
        model_version=rules.version,
    )[_COLUMNS]


def _remembered(members: pd.DataFrame, cells: pd.DataFrame, rows: pd.DataFrame, rules: PeerRules) -> PeerState:
    """What is kept for the next rows: without the members that sent nothing for too long, and their open minutes."""
    kept = members
    if len(rows):
        kept = members[members["newest"] * 60 >= rows[MINUTE].max() * 60 - rules.forget_seconds]
    return PeerState(kept.reset_index(drop=True), cells.merge(kept[KEY], on=KEY))
