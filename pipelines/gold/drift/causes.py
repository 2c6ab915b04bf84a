"""Of each drift, who made it, and what went wrong on the same resource within an hour after."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Change tracking looks now and then, so that what was done is some minutes older than what was seen.
BEFORE, AFTER = "30 minutes", "1 hour"


def with_actor(drifts: DataFrame, events: DataFrame) -> DataFrame:
    """Drifts with `changed_by` and `changed_by_action`, of the last audit record on the resource before `since`.

    Refused actions changed nothing. `drifts` need drift_id, resource_id, host_name and since; `events` are rows of
    silver.events.
    """
    done = events.where(
        (F.col("category") == "audit") & F.col("actor").isNotNull() & ~F.coalesce(F.col("outcome") == "failure", _no())
    ).select("actor", "action", F.col("event_time").alias("done_at"), _names().alias("names"))
    by_name = done.withColumn("name", F.explode("names")).drop("names")
    in_time = (F.col("done_at") <= F.col("since")) & (
        F.col("done_at") >= F.col("since") - F.expr(f"INTERVAL '{BEFORE}'")
    )
    found = _named(drifts).join(by_name, "name").where(in_time)
    last = F.max_by(F.struct("actor", "action"), F.struct("done_at", "actor")).alias("by")
    by = found.groupBy("drift_id").agg(last).select("drift_id", "by.actor", "by.action")
    renamed = by.withColumnsRenamed({"actor": "changed_by", "action": "changed_by_action"})
    return drifts.join(renamed, "drift_id", "left")


def with_consequences(drifts: DataFrame, alerts: DataFrame, scores: DataFrame) -> DataFrame:
    """Drifts with `broke_alerts`, `broke_anomalies` (how many) and `first_alert`, the name of the first."""
    firing = alerts.where(F.col("state") == "firing").select(
        F.lower("resource_id").alias("name"), F.col("transition_time").alias("at"), F.col("alert_name").alias("what"),
        F.lit("alert").alias("kind"),
    )  # fmt: skip
    anomalous = scores.where("is_anomaly").select(
        F.lower("resource_id").alias("name"), F.col("event_time").alias("at"), F.col("metric").alias("what"),
        F.lit("anomaly").alias("kind"),
    )  # fmt: skip
    in_time = (F.col("at") >= F.col("since")) & (F.col("at") <= F.col("since") + F.expr(f"INTERVAL '{AFTER}'"))
    found = _named(drifts).join(firing.unionByName(anomalous), "name").where(in_time)
    is_alert = F.col("kind") == "alert"
    counted = found.groupBy("drift_id").agg(
        F.count_if(is_alert).alias("broke_alerts"),
        F.count_if(~is_alert).alias("broke_anomalies"),
        F.min_by(F.when(is_alert, F.col("what")), F.when(is_alert, F.col("at"))).alias("first_alert"),
    )
    return drifts.join(counted, "drift_id", "left")


def _named(drifts: DataFrame) -> DataFrame:
    """A row for each name of the resource: a machine's own log knows it by its host name."""
    return drifts.select("drift_id", "since", F.explode(_names()).alias("name"))


def _names() -> Column:
    return F.array_distinct(F.array_compact(F.array(F.lower("resource_id"), F.lower("host_name"))))


def _no() -> Column:
    return F.expr("false")
