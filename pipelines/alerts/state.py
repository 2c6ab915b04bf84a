"""The life of alerts: inactive → pending → firing → resolved, all of them at once, one moment of time after the other.

Terms are those of Prometheus (prometheus.io, "Alerting rules"; rules/alerting.go): an alert whose condition holds is
pending until it has held for `for`, then firing; a firing one whose condition does not hold any more goes on for
`keep_firing_for`, then is resolved; a pending one goes at once. A series that has no rows in the window is one whose
condition does not hold. Nothing here knows a clock or a table: states and what is active go in, states and transitions
come out. Times are microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

PENDING, FIRING, RESOLVED, INACTIVE = "pending", "firing", "resolved", "inactive"
NEVER = -1
KEYS = ["rule", "key"]
_STATE = {
    "rule": "int64", "key": "object", "state": "object", "active_since": "int64", "absent_since": "int64",
    "value": "float64",
}  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """`hold` (`for`) and `keep` (`keep_firing_for`) of each rule, by its number, in microseconds."""

    hold: npt.NDArray[np.int64]
    keep: npt.NDArray[np.int64]


def no_states() -> pd.DataFrame:
    """States: a row for each (rule, key) that is pending or firing. `active_since`: since when its condition has held;
    `absent_since`: since when a firing one's has not, or NEVER; `value`: the last that is known."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _STATE.items()})


def advance(states: pd.DataFrame, active: pd.DataFrame, at: int, terms: Terms) -> tuple[pd.DataFrame, pd.DataFrame]:
    """States and transitions at the moment `at`, which is later than any before.

    `active`: rule, key, value of all that are true at that moment, each once. `states` is of the same rules, all of
    which were evaluated. Transitions have the columns of states and `previous`, which is None for a new alert.
    """
    if states.empty and active.empty:
        return states, _transitions(states, np.array([], dtype=object))
    both = states.merge(active.rename(columns={"value": "seen"}), on=KEYS, how="outer", indicator="side")
    is_active = (both["side"] != "left_only").to_numpy()
    is_new = (both["side"] == "right_only").to_numpy()
    was_firing = (both["state"] == FIRING).to_numpy()
    rule = both["rule"].to_numpy(np.int64)
    since = np.where(is_new, at, both["active_since"].fillna(at).to_numpy(np.int64))
    before = both["absent_since"].fillna(NEVER).to_numpy(np.int64)
    absent = np.where(is_active, NEVER, np.where(before == NEVER, at, before))
    held = is_active & (at - since >= terms.hold[rule])
    kept = was_firing & (is_active | (at - absent < terms.keep[rule]))
    state: npt.NDArray[Any] = np.select(
        [kept | held, is_active, was_firing], [FIRING, PENDING, RESOLVED], INACTIVE
    ).astype(object)
    after = pd.DataFrame(
        {
            "rule": rule,
            "key": both["key"].to_numpy(object),
            "state": state,
            "active_since": since,
            "absent_since": absent,
            "value": np.where(is_active, both["seen"], both["value"]).astype(np.float64),
        }
    )
    previous = np.where(is_new, None, both["state"].to_numpy(object))
    changed = state != previous
    lives = is_active | kept
    return after[lives].reset_index(drop=True), _transitions(after[changed], previous[changed])


def _transitions(rows: pd.DataFrame, previous: npt.NDArray[Any]) -> pd.DataFrame:
    return rows.assign(previous=previous).reset_index(drop=True)
