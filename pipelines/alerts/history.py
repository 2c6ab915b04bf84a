"""Transitions as rows of gold.alerts, and the states that its rows tell of: the table is the one memory of alerts.

A fingerprint is the one Alertmanager shows: FNV-1a, 64 bits, over the sorted labels (prometheus/common, model/signature
and LabelSet.Fingerprint).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.alerts.rules import Rule
from pipelines.alerts.state import FIRING, INACTIVE, NEVER, PENDING, RESOLVED, no_states
from pipelines.alerts.templates import render
from pipelines.tables import contract

TABLE = contract("gold.alerts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET, _PRIME, _SEPARATOR = 14695981039346656037, 1099511628211, 255


@dataclass(frozen=True)
class Transition:
    """A row of gold.alerts. Times are UTC; `value` is None where the condition does not hold."""

    transition_id: str
    fingerprint: str
    alert_name: str
    state: str
    previous_state: str | None
    transition_time: datetime
    active_since: datetime
    severity: str
    resource_id: str | None
    value: float | None
    labels: dict[str, str]
    annotations: dict[str, str]
    evaluated_at: datetime

    @property
    def row(self) -> tuple[Any, ...]:
        """In the order of the table's columns."""
        return tuple(getattr(self, name) for name in TABLE.column_names)


@dataclass(frozen=True)
class Recovered:
    """`states` as of the last transitions; `ends`: of alerts whose rule there is no more; rule → time of its last."""

    states: pd.DataFrame
    orphans: tuple[Any, ...]
    last: dict[int, int]


def canonical(key: str) -> str:
    """Labels as JSON, in one way of many."""
    return json.dumps(json.loads(key), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(labels: Mapping[str, str]) -> str:
    digest = _OFFSET
    for name in sorted(labels):
        for byte in (*name.encode(), _SEPARATOR, *labels[name].encode(), _SEPARATOR):
            digest = (digest ^ byte) * _PRIME % 2**64
    return f"{digest:016x}"


def transitions_of(changes: pd.DataFrame, rules: Sequence[Rule], at: int, evaluated_at: datetime) -> list[Transition]:
    """What `state.advance` found at the moment `at`, with labels and annotations."""
    return [
        _transition(rules[change.rule], json.loads(change.key), change, at, evaluated_at)
        for change in changes.itertuples(index=False)
    ]


def _transition(rule: Rule, by: dict[str, str], change: Any, at: int, evaluated_at: datetime) -> Transition:
    labels = {**rule.fixed_labels, **by}
    value = None if pd.isna(change.value) else float(change.value)
    annotations = {name: render(text, labels, value) for name, text in rule.annotations.items()}
    return _told(labels, annotations, change.state, change.previous, at, change.active_since, value, evaluated_at)


def _told(
    labels: dict[str, str],
    annotations: dict[str, str],
    state: str,
    previous: str | None,
    at: int,
    since: int,
    value: float | None,
    evaluated_at: datetime,
) -> Transition:
    identity = fingerprint(labels)
    return Transition(
        transition_id=hashlib.md5(f"{identity}|{state}|{at}".encode(), usedforsecurity=False).hexdigest(),
        fingerprint=identity,
        alert_name=labels["alertname"],
        state=state,
        previous_state=previous,
        transition_time=moment(at),
        active_since=moment(since),
        severity=labels["severity"],
        resource_id=labels.get("resource_id"),
        value=value if state in (PENDING, FIRING) else None,
        labels=labels,
        annotations=annotations,
        evaluated_at=evaluated_at,
    )


def moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(at))


def ends_of(orphans: Iterable[Any], at: int, evaluated_at: datetime) -> list[Transition]:
    """The end of alerts whose rule is gone: nothing will ever tell of them again."""
    return [
        _told(
            orphan.labels,
            orphan.annotations,
            RESOLVED if orphan.state == FIRING else INACTIVE,
            orphan.state,
            max(at, orphan.at + 1),
            orphan.since,
            None,
            evaluated_at,
        )
        for orphan in orphans
    ]


def recover(alerts: DataFrame, rules: Mapping[int, Rule]) -> Recovered:
    """From gold.alerts: what is pending or firing now, and when each rule had its last transition."""
    newest = F.max_by(
        F.struct(
            "alert_name", "state", "labels", "annotations", "value",
            F.unix_micros("transition_time").alias("at"), F.unix_micros("active_since").alias("since"),
        ),
        F.struct("transition_time", "evaluated_at"),
    ).alias("newest")  # fmt: skip
    latest = alerts.groupBy("fingerprint").agg(newest).select("newest.*")
    live = latest.where(F.col("state").isin(PENDING, FIRING)).collect()
    last_of = latest.groupBy("alert_name").agg(F.max("at").alias("at")).collect()
    last_by_name = {row["alert_name"]: row["at"] for row in last_of}
    by_name: dict[str, list[int]] = {}
    for number, rule in rules.items():
        by_name.setdefault(rule.alert, []).append(number)
    states, orphans = [], []
    for row in live:
        owner = next((n for n in by_name.get(row["alert_name"], ()) if _owns(rules[n], row["labels"])), None)
        if owner is None:
            orphans.append(row)
            continue
        by = {name: value for name, value in row["labels"].items() if name in rules[owner].expr.by}
        key = canonical(json.dumps(by))
        states.append((owner, key, row["state"], row["since"], NEVER, row["value"]))
    frame = pd.DataFrame(states, columns=list(no_states().columns)).astype(no_states().dtypes.to_dict())
    last = {n: last_by_name[rule.alert] for n, rule in rules.items() if rule.alert in last_by_name}
    return Recovered(frame, tuple(orphans), last)


def _owns(rule: Rule, labels: Mapping[str, str]) -> bool:
    fixed = rule.fixed_labels
    return all(labels.get(name) == text for name, text in fixed.items()) and labels.keys() <= rule.label_names
