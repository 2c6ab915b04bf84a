"""Which rows a model is fitted on, which it is calibrated on, and which it is judged on: by machine and by time.

                 until `fit_until`     until `calibrate_until`     after
    most machines     fit                  calibrate                 -
    the others         -                       -                    test

So nothing of a machine that judges was seen in training, and nothing of its time. A row of one block whose horizon
reaches into the next is in neither, since its answer was found out there. The machines that judge are chosen by a hash
of their id: they are the same at every training, so one model can be compared with its successor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """The three blocks for one horizon; each has the columns of the history, and `failed`."""

    fit: pd.DataFrame
    calibrate: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class SplitRule:
    """Shares of the time from the first row to the last, and of machines."""

    fit_share: float = 0.5
    calibrate_share: float = 0.2
    test_machine_share: float = 0.3


def is_test_machine(machines: pd.Series, share: float) -> Bools:
    """By a hash of the id, so always the same."""
    chosen = {machine: crc32(str(machine).encode()) % 10_000 < share * 10_000 for machine in machines.unique()}
    flags: Bools = machines.map(chosen).to_numpy(dtype=np.bool_)
    return flags


def labelled(history: pd.DataFrame, horizon_hours: int) -> pd.DataFrame:
    """Rows of which it is known whether a failure began within the horizon, with `failed` (bool).

    A row whose horizon runs past the end of the data is left out even if it failed before that end: to keep failures
    and drop what may yet fail would make the rate too high.
    """
    followed = history[history["hours_followed"] >= horizon_hours]
    return followed.assign(failed=(followed["hours_to_failure"] <= horizon_hours).to_numpy(dtype=np.bool_))


def split(history: pd.DataFrame, horizon_hours: int, rule: SplitRule) -> Split:
    """`history` has resource_id, as_of (timestamps), hours_to_failure (NaN: none known), hours_followed, features."""
    rows = labelled(history, horizon_hours)
    first, last = history["as_of"].min(), history["as_of"].max()
    fit_until = first + (last - first) * rule.fit_share
    calibrate_until = first + (last - first) * (rule.fit_share + rule.calibrate_share)
    horizon = pd.Timedelta(hours=horizon_hours)
    judges = is_test_machine(rows["resource_id"], rule.test_machine_share)
    moments: Any = rows["as_of"]
    learns = rows[~judges & (moments + horizon <= fit_until)]
    calibrates = rows[~judges & (moments > fit_until) & (moments + horizon <= calibrate_until)]
    return Split(learns, calibrates, rows[judges & (moments > calibrate_until)])


def failures_in(rows: pd.DataFrame) -> int:
    """How many failures the rows that failed are about: one failure makes many rows positive."""
    failed = rows[rows["failed"]]
    onset = failed["as_of"] + pd.to_timedelta(failed["hours_to_failure"], unit="h")
    # To the minute: the hours were rounded on their way.
    return int(
        pd.DataFrame({"machine": failed["resource_id"], "onset": onset.dt.round("min")}).drop_duplicates().shape[0]
    )
