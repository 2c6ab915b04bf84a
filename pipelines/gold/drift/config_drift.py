"""silver.config_changes, silver.configuration_items → gold.config_drift: a row a drift and day that it was there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY, DailyTable, Silver, Source
from pipelines.gold.drift.aws_config import config_observations
from pipelines.gold.drift.baseline import Baseline, Control, baseline
from pipelines.gold.drift.causes import with_actor, with_consequences
from pipelines.gold.drift.observations import changed, listed
from pipelines.gold.drift.states import FIELD, LOOK_BACK_DAYS, daily_states, judged
from pipelines.gold.globs import is_one_of
from pipelines.tables import contract

TABLE = contract("gold.config_drift")
CHANGES, ITEMS = contract("silver.config_changes"), contract("silver.configuration_items")
EVENTS, ALERTS = contract("silver.events"), contract("gold.alerts")
SCORES, INVENTORY = contract("silver.anomaly_scores"), contract("silver.inventory")
_CAUSES = ("changed_by", "changed_by_action", "broke_alerts", "broke_anomalies", "first_alert")


def observed(
    changes: DataFrame, items: DataFrame, events: DataFrame, inventory: DataFrame, found: Baseline
) -> DataFrame:
    """What was seen of the kinds of items that the baseline has controls for; of events, what AWS Config saw.

    With the `tags` that the resource has now, by silver.inventory.
    """
    kinds = sorted({control.item_type for control in found.controls})
    is_asked = is_one_of(F.col("item_type"), kinds)
    by_agents = changed(changes.where(is_asked)).unionByName(listed(items.where(is_asked)))
    seen = by_agents.unionByName(config_observations(events))
    now = inventory.where("is_current").select(F.lower("resource_id").alias("resource_id"), "tags")
    return seen.join(F.broadcast(now.dropDuplicates(["resource_id"])), "resource_id", "left")


def open_on(before: DataFrame, day: date) -> DataFrame:
    """Rows of gold.config_drift → what is `known` of the drifts that were open on a day: FIELD and KNOWN."""
    there = before.where((F.col(DAY) == F.lit(day)) & (F.col("status") == "open"))
    known = there.select(*FIELD, F.col("since").alias("known_since"), F.col("expected").alias("known_expected"))
    return known.dropDuplicates(list(FIELD))


def drifts(
    observations: DataFrame, controls: tuple[Control, ...], known: DataFrame, first: date, last: date
) -> DataFrame:
    """A row a drift and day of `first` to `last` on which it was open or ended, but for its causes."""
    states = daily_states(judged(observations, controls, known), first, last)
    is_closed = F.col("closed_at").isNotNull()
    there = states.where(F.col("since").isNotNull() & (~is_closed | (F.to_date("closed_at") >= F.col(DAY))))
    identity = F.md5(F.concat_ws("|", *FIELD, F.col("since").cast("string")))
    return there.withColumns(
        {
            "drift_id": identity,
            "status": F.when(is_closed, "closed").otherwise("open"),
            "title": _by_control({control.id: control.title for control in controls}),
            "severity": _by_control({control.id: control.severity.value for control in controls}),
            "frameworks": _by_control({control.id: ", ".join(control.frameworks) for control in controls}),
        }
    )


def _by_control(words: dict[str, str]) -> Column:
    return F.coalesce(*(F.when(F.col("control_id") == control, F.lit(word)) for control, word in words.items()))


def with_causes(
    found: DataFrame, events: DataFrame, alerts: DataFrame, scores: DataFrame, before: DataFrame, first: date
) -> DataFrame:
    """Rows of gold.config_drift: drifts that began on `first` or later with their causes, others with `before`'s.

    `before` is gold.config_drift of earlier days, so that their events and scores are not read again.
    """
    begun = found.where(F.to_date("since") >= F.lit(first))
    ids = begun.select("drift_id", "resource_id", "host_name", "since").distinct()
    new = with_consequences(with_actor(ids, events), alerts, scores).select("drift_id", *_CAUSES)
    began_on = (F.col(DAY) == F.to_date("since")) & (F.col(DAY) < F.lit(first))
    known = before.where(began_on).select("drift_id", *_CAUSES)
    causes = new.unionByName(known).groupBy("drift_id").agg(*(F.first(name).alias(name) for name in _CAUSES))
    joined = found.join(F.broadcast(causes), "drift_id", "left")
    counts = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in ("broke_alerts", "broke_anomalies")}
    return joined.withColumns(counts).select(*TABLE.column_names)


def last_day(last: date) -> date:
    """A day that has not come yet has no state."""
    return min(last, datetime.now(UTC).date())


def rows(silver: Silver) -> DataFrame:
    found, first, last = baseline(), silver.days.first, last_day(silver.days.last)
    if last < first:
        return silver.all(TABLE).limit(0)
    changes = silver.of_days(CHANGES, days_before=LOOK_BACK_DAYS)
    items = silver.of_days(ITEMS, days_before=LOOK_BACK_DAYS)
    config = silver.of_days(EVENTS, days_before=LOOK_BACK_DAYS)
    # Used three times, and small.
    known = open_on(silver.all(TABLE), first - timedelta(days=1))
    seen = observed(changes, items, config, silver.all(INVENTORY), found)
    there = drifts(seen, found.controls, known, first, last).localCheckpoint()
    events, scores = (silver.of_days(table, days_before=1) for table in (EVENTS, SCORES))
    alerts = silver.of_days(ALERTS, "transition_time")
    return with_causes(there, events, alerts, scores, silver.all(TABLE), first)


DAILY = DailyTable(
    TABLE,
    (
        Source(CHANGES, reach=LOOK_BACK_DAYS),
        Source(ITEMS, reach=LOOK_BACK_DAYS),
        Source(EVENTS),
        Source(ALERTS, "transition_time"),
        Source(SCORES),
    ),
    rows,
)
