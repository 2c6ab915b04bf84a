"""Alerts, silences, anomalies (`anomalies`), events and changes in one shape: what, on what, from when until when.

The first three are symptoms; the others may explain them. Columns of all: COLUMNS.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.incidents.options import IncidentOptions
from pipelines.inventory.from_id import name as name_of

# until: null if it lasts. detected_at: when anybody could know. severity: place in SEVERITIES. opens: whether it alone
# makes an incident. weight: what it is worth as a cause, 0 to 1.
COLUMNS = (
    "kind", "resource_id", "at", "until", "detected_at", "severity", "opens", "weight", "what", "fingerprint",
)  # fmt: skip
SEVERITIES = ("info", "warning", "critical", "page")
ALERT, SILENCE, ANOMALY, EVENT, CHANGE = "alert", "silence", "anomaly", "event", "change"
SYMPTOMS = (ALERT, SILENCE, ANOMALY)

# Of audit records those that change something: Azure names operations …/write, AWS calls begin with a verb.
_CHANGES = r"(?i)(/write|/delete|/action)$|^(?!get|list|describe|head|lookup|batchget|assumerole|select|query)[A-Z]\w+$"
_MACHINE_EVENTS = ("state_change", "interruption", "health")
_OTHER_EVENTS = ("scaling", "kubernetes", "security", "policy", "alert")


def alert_signals(alerts: DataFrame, options: IncidentOptions) -> DataFrame:
    """Rows of gold.alerts → one signal each time an alert fired, until it was resolved."""
    order = Window.partitionBy("fingerprint").orderBy("transition_time", F.col("state") == "firing")
    ended = F.lead("transition_time").over(order)
    resource = F.coalesce("resource_id", F.col("labels")["resource_id"], F.concat(F.lit("alert "), F.col("alert_name")))
    severities = F.array(*(F.lit(word) for word in SEVERITIES))
    place = F.greatest(F.array_position(severities, F.lower("severity")), F.lit(1)) - 1
    said = F.coalesce(F.nullif(F.col("annotations")["summary"], F.lit("")), F.col("alert_name"))
    fired = alerts.where(F.col("state").isin("firing", "resolved")).withColumn("ended", ended)
    return fired.where("state = 'firing'").select(
        F.lit(ALERT).alias("kind"),
        resource.alias("resource_id"),
        F.least("active_since", "transition_time").alias("at"),
        F.col("ended").alias("until"),
        F.col("transition_time").alias("detected_at"),
        place.cast("int").alias("severity"),
        ((place > 0) & ~F.col("alert_name").isin(*options.echoes)).alias("opens"),
        F.lit(0.2).alias("weight"),
        F.concat(F.lit("alert "), F.col("alert_name"), F.when(said != F.col("alert_name"), F.concat(F.lit(": "), said))
                 .otherwise("")).alias("what"),
        "fingerprint",
    )  # fmt: skip


def silence_signals(heartbeats: DataFrame, silent_after: timedelta, until: datetime) -> DataFrame:
    """Rows of silver.heartbeats → one signal for each gap that is longer than `silent_after`, the open ones included.

    A silence that lasts is one at `until`, or at the newest heartbeat of any machine if that is earlier.
    """
    beats = heartbeats.select("resource_id", "event_time").where(F.col("event_time") < F.lit(until))
    following = F.lead("event_time").over(Window.partitionBy("resource_id").orderBy("event_time"))
    newest = beats.agg(F.max("event_time").alias("newest"))
    allowed = F.expr(f"INTERVAL '{silent_after.total_seconds()}' SECOND")
    gaps = beats.withColumn("until", following).where(
        F.col("until").isNull() | (F.col("until") > F.col("event_time") + allowed)
    )
    is_silence = F.coalesce("until", "newest") > F.col("event_time") + allowed
    minutes = F.round((F.unix_seconds(F.coalesce("until", "newest")) - F.unix_seconds("event_time")) / 60)
    lasts = F.when(F.col("until").isNull(), F.lit(", and still is")).otherwise("")
    return (
        gaps.crossJoin(F.broadcast(newest))
        .where(is_silence)
        .select(
            F.lit(SILENCE).alias("kind"),
            "resource_id",
            F.col("event_time").alias("at"),
            "until",
            (F.col("event_time") + allowed).alias("detected_at"),
            F.lit(SEVERITIES.index("critical")).alias("severity"),
            F.expr("true").alias("opens"),
            F.lit(0.35).alias("weight"),
            F.concat(F.lit("silent for "), minutes.cast("bigint"), F.lit(" min"), lasts).alias("what"),
            F.lit(None).cast("string").alias("fingerprint"),
        )
    )


def event_signals(events: DataFrame) -> DataFrame:
    """Rows of silver.events → those that may explain a symptom, each once a minute. Reads are left out."""
    is_change = (F.col("category") == "audit") & F.rlike(F.coalesce("action", F.lit("")), F.lit(_CHANGES))
    weight = (
        F.when(is_change, 1.0)
        .when(F.col("category").isin(*_MACHINE_EVENTS), 0.9)
        .when(F.col("category").isin(*_OTHER_EVENTS), 0.7)
    )
    has_failed = F.lower(F.coalesce("outcome", F.lit(""))) == "failure"
    minute = F.date_trunc("minute", "event_time")
    # Who did it matters more than that it was done: an operation is told by several records, not all with an actor.
    once = (
        events.withColumn("weight", F.when(has_failed, weight * 0.5).otherwise(weight))
        .where("weight IS NOT NULL")
        .groupBy("resource_id", "category", "action", minute.alias("minute"))
        .agg(
            F.min("event_time").alias("at"),
            F.max("weight").alias("weight"),
            F.max("actor").alias("actor"),
            F.max("reason").alias("reason"),
        )
    )
    doing = F.coalesce("action", "category")
    what = F.concat(
        doing,
        F.coalesce(F.concat(F.lit(" by "), F.col("actor")), F.lit("")),
        F.coalesce(F.concat(F.lit(": "), F.nullif(F.col("reason"), doing)), F.lit("")),
    )
    return _explaining(once, EVENT, F.col("weight"), what)


def change_signals(changes: DataFrame) -> DataFrame:
    """Rows of silver.config_changes → one signal a resource and minute: an update changes many items at once."""
    said = F.concat_ws(" ", F.lower("change_type"), "item_type", "item_name")
    values = F.when(F.col("new_value").isNotNull(), F.concat(
        F.lit(": "), F.coalesce(F.concat("field", F.lit(" ")), F.lit("")), F.coalesce("old_value", F.lit("nothing")),
        F.lit(" → "), F.col("new_value"),
    )).otherwise("")  # fmt: skip
    once = changes.groupBy("resource_id", F.date_trunc("minute", "event_time").alias("minute")).agg(
        F.min("event_time").alias("at"),
        F.min_by(F.concat(said, values), F.struct("event_time", "event_id")).alias("first"),
        F.countDistinct("item_type", "item_name").alias("items"),
    )
    more = F.when(F.col("items") > 1, F.concat(F.lit(" and "), F.col("items") - 1, F.lit(" more"))).otherwise("")
    return _explaining(once, CHANGE, F.lit(1.0), F.concat("first", more))


def short_name(resource: Column) -> Column:
    return F.coalesce(name_of(resource), resource)


def _explaining(rows: DataFrame, kind: str, weight: Column, what: Column) -> DataFrame:
    """Rows with `resource_id` and `at` → signals that open nothing."""
    return rows.select(
        F.lit(kind).alias("kind"),
        "resource_id",
        "at",
        F.col("at").alias("until"),
        F.col("at").alias("detected_at"),
        F.lit(0).alias("severity"),
        F.expr("false").alias("opens"),
        weight.alias("weight"),
        what.alias("what"),
        F.lit(None).cast("string").alias("fingerprint"),
    )
