"""Evaluate rules at moments of time: data in, transitions out. The stream and `lakehouse alerts test` both use this.

Rules over silver go by event time: they are judged at every step of their interval up to the newest event there is,
and at that event itself, so that nothing waits for the next step. When no data comes, their alerts stay as they are:
silence is not recovery, and whoever must know of it has rules over gold, which go by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from pipelines.alerts import history
from pipelines.alerts.durations import micros
from pipelines.alerts.history import Transition
from pipelines.alerts.rules import Group, Rule
from pipelines.alerts.scan import Scan, active_rows, numbered, scans_of
from pipelines.alerts.signals import Signal
from pipelines.alerts.state import Terms, advance, no_states
from pipelines.tables import Table

Read = Callable[[Table], DataFrame]
_INFER_FILTERS = "org.apache.spark.sql.catalyst.optimizer.InferFiltersFromGenerate"


@dataclass(frozen=True)
class RuleBook:
    """All rules, numbered, and the scans of those whose table there is."""

    rules: tuple[Rule, ...]
    scans: tuple[Scan, ...]
    signals: Mapping[str, Signal] = field(hash=False)

    @classmethod
    def of(cls, groups: Sequence[Group], signals: Mapping[str, Signal], tables: Mapping[str, Table]) -> RuleBook:
        return cls(tuple(rule for _, rule in numbered(groups)), scans_of(groups, tables), signals)

    @property
    def terms(self) -> Terms:
        return Terms(
            np.array([micros(rule.hold) for rule in self.rules], dtype=np.int64),
            np.array([micros(rule.keep_firing_for) for rule in self.rules], dtype=np.int64),
        )

    @property
    def evaluated(self) -> dict[int, Rule]:
        return {number: rule for scan in self.scans for number, rule in scan.rules.items()}

    @property
    def skipped(self) -> tuple[Rule, ...]:
        """Rules whose table there is not."""
        return tuple(rule for number, rule in enumerate(self.rules) if number not in self.evaluated)


@dataclass(frozen=True)
class Due:
    """A scan and the moments (microseconds, in order) at which it is to be made."""

    scan: Scan
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    states: pd.DataFrame
    transitions: list[Transition]


def session_of_rules(spark: SparkSession) -> SparkSession:
    """A session beside `spark` in which a division by zero gives null, as in other SQL: one resource with no requests
    must not end the rules of all others. Nor are rows filtered by whether `explode` would give any, as that works out
    all rules a second and a third time."""
    beside = spark.newSession()
    beside.conf.set("spark.sql.ansi.enabled", "false")
    beside.conf.set("spark.sql.optimizer.excludedRules", _INFER_FILTERS)
    return beside


def evaluate(book: RuleBook, read: Read, due: Sequence[Due], states: pd.DataFrame, now: datetime) -> Outcome:
    """States and transitions after all moments that are due; `now` is noted as the time of evaluation."""
    active = _collect(book, read, due)
    transitions: list[Transition] = []
    terms = book.terms
    for at in sorted({step for one in due for step in one.steps}):
        judged = [number for one in due if at in one.steps for number in one.scan.rules]
        mine = states["rule"].isin(judged)
        found = active.loc[active["step"] == at, ["rule", "key", "value"]]
        after, changes = advance(states[mine], found, at, terms)
        states = after if mine.all() else pd.concat([states[~mine], after], ignore_index=True)
        transitions += history.transitions_of(changes, book.rules, at, now)
    return Outcome(states, transitions)


def _collect(book: RuleBook, read: Read, due: Sequence[Due]) -> pd.DataFrame:
    """One Spark job for all that is due."""
    parts = [active_rows(read(one.scan.table), one.scan, book.signals, one.steps) for one in due if one.steps]
    if not parts:
        return no_states()[["rule", "key", "value"]].assign(step=pd.Series(dtype="int64"))
    found: Any = reduce(DataFrame.unionByName, parts).toPandas()
    known = {key: history.canonical(key) for key in found["key"].unique()}
    active: pd.DataFrame = found.assign(key=found["key"].map(known))
    return active


def steps_between(after: int | None, until: int, interval: timedelta, look_back: timedelta) -> tuple[int, ...]:
    """The steps of `interval` in (after, until], at most `look_back` before `until`, and `until` itself."""
    earliest = until - micros(look_back)
    begin = earliest if after is None else max(after, earliest)
    if begin >= until:
        return ()
    step = micros(interval)
    return (*range((begin // step + 1) * step, until, step), until)
