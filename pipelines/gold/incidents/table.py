"""silver and gold.alerts → gold.incidents.

An incident belongs to the UTC day of its first symptom, and is followed until the end of the day after that: one that
lasts longer stays open. So news of a day change the incidents of the day before, too; and signals of the day before are
read, as an incident that began then is not one of this day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source
from pipelines.gold.incidents import signals as given
from pipelines.gold.incidents.anomalies import anomaly_signals
from pipelines.gold.incidents.causes import explaining, ranked
from pipelines.gold.incidents.grouping import with_incident, with_topology
from pipelines.gold.incidents.options import IncidentOptions
from pipelines.settings import parse_duration
from pipelines.tables import Table, contract

TABLE = contract("gold.incidents")
ALERTS, SCORES = contract("gold.alerts"), contract("silver.anomaly_scores")
EVENTS, CHANGES = contract("silver.events"), contract("silver.config_changes")
INVENTORY = contract("silver.inventory")

_BEFORE, _FOLLOWED = 1, 1
# Below this a cause is not named in the title.
_NAMED_SCORE = 0.2


@dataclass(frozen=True)
class Told:
    """What incidents are made of: rows from the day before the days to the day after them."""

    alerts: DataFrame
    heartbeats: DataFrame
    scores: DataFrame
    events: DataFrame
    changes: DataFrame
    inventory: DataFrame


def incidents(told: Told, days: Days, silent_after: timedelta, options: IncidentOptions) -> DataFrame:
    """Rows of the table for `days`."""
    until = days.end + timedelta(days=_FOLLOWED)
    symptoms = _union(
        given.alert_signals(told.alerts, options),
        given.silence_signals(told.heartbeats, silent_after, until),
        anomaly_signals(told.scores, options),
    )
    context = _union(given.event_signals(told.events), given.change_signals(told.changes))
    # What is small and read several times is worked out once.
    member = with_incident(with_topology(symptoms, told.inventory), options).localCheckpoint()
    is_of_days = F.col(DAY).between(F.lit(days.first), F.lit(days.last))
    found = _summed(member, _clock(told), options).where(is_of_days).localCheckpoint()
    around = explaining(found, with_topology(context, told.inventory), options)
    inside = member.join(found.select("incident_id", "first_seen"), "incident_id").withColumn("nearness", F.lit(1.0))
    columns = ["incident_id", "first_seen", "nearness", *given.COLUMNS]
    every = inside.select(*columns).unionByName(around.select(*columns)).localCheckpoint()
    counted = every.groupBy("incident_id").agg(
        F.count_if(F.col("kind") == given.EVENT).alias("events"),
        F.count_if(F.col("kind") == given.CHANGE).alias("changes"),
        F.slice(F.sort_array(F.collect_list(F.struct("at", "kind", "resource_id", "what"))), 1, options.evidence).alias(
            "told"
        ),
    )
    joined = found.join(counted, "incident_id").join(ranked(every, options), "incident_id")
    return _described(joined).select(*TABLE.column_names)


def _summed(member: DataFrame, clock: DataFrame, options: IncidentOptions) -> DataFrame:
    """Symptoms with incident_id → one row an incident, without causes."""
    kinds = {"alerts": given.ALERT, "anomalies": given.ANOMALY, "silences": given.SILENCE}
    # That of the first symptom, and of the resource that it is on.
    facts = F.struct("resource_id", "service", "cloud_account_id", "cloud_region")
    summed = member.groupBy("incident_id").agg(
        F.min("at").alias("first_seen"),
        F.max(F.col("until").isNull()).alias("lasts"),
        F.max(F.coalesce("until", "at")).alias("ended"),
        # A weak sign tells nobody that something is wrong.
        F.min(F.when(F.col("opens"), F.col("detected_at"))).alias("detected_at"),
        F.max("severity").alias("place"),
        F.sort_array(F.collect_set("resource_id")).alias("resource_ids"),
        F.collect_set("unit").alias("units"),
        F.array_distinct(F.flatten(F.collect_list("keys"))).alias("keys"),
        F.min_by(F.struct("resource_id", "kind", "what"), F.struct("at", -F.col("severity"), "resource_id")).alias(
            "first"
        ),
        F.collect_set(facts).alias("facts"),
        F.sort_array(F.collect_set("fingerprint")).alias("fingerprints"),
        *(F.count_if(F.col("kind") == kind).alias(name) for name, kind in kinds.items()),
    )
    quiet = F.col("ended") + F.expr(f"INTERVAL '{options.pause.total_seconds()}' SECOND")
    is_over = ~F.col("lasts") & F.coalesce(quiet <= F.col("clock"), F.expr("true"))
    names = F.array(*(F.lit(word) for word in given.SEVERITIES))
    last_seen = F.when(F.col("lasts"), F.greatest("ended", "clock")).otherwise(F.col("ended"))
    resolved_at = F.when(is_over, F.col("ended"))
    return summed.crossJoin(F.broadcast(clock)).withColumns(
        {
            DAY: F.to_date("first_seen"),
            "started_at": F.col("first_seen"),
            "last_seen": last_seen,
            "status": F.when(is_over, "resolved").otherwise("open"),
            "severity": F.get(names, F.col("place")),
            "resolved_at": resolved_at,
            "time_to_detect_seconds": _seconds(F.col("first_seen"), F.col("detected_at")),
            "time_to_resolve_seconds": _seconds(F.col("first_seen"), resolved_at),
        }
    )


def _described(rows: DataFrame) -> DataFrame:
    """Title, primary resource, its facts, and evidence."""
    cause = F.get("causes", F.lit(0))
    primary = F.when(F.array_contains("resource_ids", cause["resource_id"]), cause["resource_id"]).otherwise(
        F.col("first.resource_id")
    )
    facts = F.get(F.filter("facts", lambda one: one["resource_id"] == F.col("primary_resource_id")), F.lit(0))
    evidence = F.transform("told", lambda one: F.struct(one["kind"], one["at"], one["resource_id"], one["what"]))
    with_primary = rows.withColumn("primary_resource_id", primary)
    names = ("service", "cloud_account_id", "cloud_region")
    with_names = with_primary.withColumns({name: facts[name] for name in names} | {"evidence": evidence})
    return with_names.withColumn("title", _title(cause))


def _title(cause: Column) -> Column:
    """`web-1: silent for 62 min; 2 more resources of shop; likely cause: …/deallocate/action by ada, 3 min before …`"""
    others = F.size("resource_ids") - 1
    whose = F.coalesce(F.concat(F.lit(" of "), F.col("service")), F.lit(""))
    plural = F.when(others == 1, " more resource").otherwise(" more resources")
    more = F.when(others > 0, F.concat(F.lit("; "), others, plural, whose)).otherwise("")
    is_named = (cause["score"] >= _NAMED_SCORE) & ~cause["kind"].isin(*given.SYMPTOMS)
    place = F.when(
        cause["resource_id"] != F.col("first.resource_id"),
        F.concat(F.lit(" on "), given.short_name(cause["resource_id"])),
    ).otherwise("")
    because = F.when(is_named, F.concat(F.lit("; likely cause: "), cause["what"], place, F.lit(", "), cause["why"]))
    symptom = F.concat(given.short_name(F.col("first.resource_id")), F.lit(": "), F.col("first.what"))
    return F.concat(symptom, more, F.coalesce(because, F.lit("")))


def _clock(told: Told) -> DataFrame:
    """The newest heartbeat, score or transition: what is later is not known of anything."""
    times = _union(
        told.heartbeats.select("event_time"),
        told.scores.select("event_time"),
        told.alerts.select(F.col("transition_time").alias("event_time")),
    )
    return times.agg(F.max("event_time").alias("clock"))


def _union(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)


def _seconds(start: Column, end: Column) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / 1e6


def _rows(silver: Silver) -> DataFrame:
    def around(table: Table, time_column: str = "event_time") -> DataFrame:
        followed = Days(silver.days.first, silver.days.last + timedelta(days=_FOLLOWED))
        return Silver(silver.spark, silver.settings, followed).of_days(table, time_column, _BEFORE)

    told = Told(
        around(ALERTS, "transition_time"),
        around(routing.HEARTBEATS),
        around(SCORES),
        around(EVENTS),
        around(CHANGES),
        silver.all(INVENTORY),
    )
    return incidents(told, silver.days, parse_duration(silver.settings.gold.silent_after), IncidentOptions())


def _source(table: Table, time_column: str = "event_time") -> Source:
    return Source(table, time_column, reach=_BEFORE, reach_back=_FOLLOWED)


DAILY = DailyTable(
    TABLE,
    (
        _source(ALERTS, "transition_time"),
        _source(routing.HEARTBEATS),
        _source(SCORES),
        _source(EVENTS),
        _source(CHANGES),
    ),
    _rows,
)
