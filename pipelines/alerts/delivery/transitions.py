"""What is known of each alert now, from the transitions in gold.alerts: its last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.inventory.from_id import constants
from pipelines.tables import contract

TABLE = contract("gold.alerts")
FIRING, RESOLVED = "firing", "resolved"

_NEEDED = ("alert_name", "state", "severity", "resource_id", "labels", "annotations")
_TIMES = ("transition_time", "active_since", "evaluated_at")
# An alert can go through several states at one time, in this order.
_ORDER = ("pending", FIRING, RESOLVED, "inactive")


@dataclass(frozen=True)
class Transition:
    """A row of gold.alerts, as far as receivers are told of it. Times are UTC.

    `fired_at`: when it was evaluated to be firing, wall clock; None if that is not known. `resource_group`: that of an
    Azure resource, else the account; None if the id tells neither.
    """

    fingerprint: str
    alert_name: str
    state: str
    severity: str
    resource_id: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    transition_time: datetime
    active_since: datetime
    evaluated_at: datetime
    fired_at: datetime | None = None
    resource_group: str | None = None


def in_order() -> Column:
    """What sorts the transitions of an alert as they followed each other."""
    rank = F.array_position(F.array(*map(F.lit, _ORDER)), F.col("state"))
    return F.struct("transition_time", rank, "evaluated_at")


def latest(transitions: DataFrame) -> DataFrame:
    """Rows of gold.alerts → the last that each alert fired or was resolved with: the columns of `Transition`.

    Pending and inactive are nothing that receivers are told of, and change nothing about what they were told.
    """
    known = constants(F.col("resource_id"))
    group = F.coalesce(known["resource_group"], known["cloud_account_id"]).alias("resource_group")
    told = transitions.where(F.col("state").isin(FIRING, RESOLVED))
    last = told.groupBy("fingerprint").agg(
        F.max_by(F.struct(*_NEEDED, *_TIMES), in_order()).alias("last"),
        F.max(F.when(F.col("state") == FIRING, F.col("evaluated_at"))).alias("fired_at"),
    )
    return last.select("fingerprint", "fired_at", "last.*").select("*", group)


def collect(last: DataFrame) -> tuple[Transition, ...]:
    """The rows of `latest`: as many as there are alerts in it."""
    return tuple(
        Transition(
            **{name: row[name] for name in ("fingerprint", "resource_group", *_NEEDED)},
            # Spark hands over local times without a zone.
            **{name: row[name] and row[name].astimezone(UTC) for name in ("fired_at", *_TIMES)},
        )
        for row in last.collect()
    )
