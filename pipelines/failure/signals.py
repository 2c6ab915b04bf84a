"""silver tables → what each machine showed in each hour: additive facts, from which features of any moment are made.

An hour has no fixed start: hours are counted from a moment given, so that they end exactly at the moments that are
asked about. `hour` is the end of the hour that a row happened in, `known` the end of the hour in which it had arrived
as well: a moment knows the facts with `known` ≤ it. So a row that comes late changes nothing that was known before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.failure.failures import is_failure
from pipelines.failure.names import KnownBy
from pipelines.failure.utilisation import utilisation

_HOUR = 3_600_000_000
_ERROR, _FATAL = 17, 21  # OpenTelemetry's severity numbers
_KEYS = ("resource_id", "hour", "known")


@dataclass(frozen=True)
class Silver:
    """The silver tables that are read; `anomalies` (silver.anomaly_scores) is None where nothing scores."""

    heartbeats: DataFrame
    metrics: DataFrame
    logs: DataFrame
    events: DataFrame
    anomalies: DataFrame | None = None


@dataclass(frozen=True)
class Hours:
    """How rows fall into hours: `anchor` (UTC) is the end of one, and so the end of every other.

    `silent_after`: a gap between heartbeats longer than this is a silence.
    """

    anchor: datetime
    silent_after: timedelta = timedelta(minutes=5)
    known_by: KnownBy = KnownBy.INGEST

    def end_of(self, time: Column) -> Column:
        """The end of the hour of `time`, which is part of it: an hour is (start, end]."""
        anchor = F.unix_micros(F.lit(self.anchor))
        return F.timestamp_micros((anchor + F.ceil((F.unix_micros(time) - anchor) / _HOUR) * _HOUR).cast("bigint"))

    def place(self, rows: DataFrame) -> DataFrame:
        """`rows` (event_time, ingest_time) with the hour they happened in, and the one they were known from."""
        known = F.col("event_time")
        if self.known_by is KnownBy.INGEST:
            known = F.greatest("event_time", "ingest_time")
        return rows.withColumns({"hour": self.end_of(F.col("event_time")), "known": self.end_of(known)})


def heartbeat_hours(heartbeats: DataFrame, hours: Hours) -> DataFrame:
    """Last beat, and the gaps that the machine's live view had: a heartbeat that was overtaken closes none."""
    arrival = "ingest_time" if hours.known_by is KnownBy.INGEST else "event_time"
    order = Window.partitionBy("resource_id").orderBy(arrival, "event_time")
    latest = F.max("event_time").over(order.rowsBetween(Window.unboundedPreceding, -1))
    version = F.last("agent_version", ignorenulls=True).over(order.rowsBetween(Window.unboundedPreceding, -1))
    minutes = (F.unix_micros("event_time") - F.unix_micros("latest")) / 6e7
    silent = hours.silent_after.total_seconds() / 60
    ordered = heartbeats.select("resource_id", "event_time", "ingest_time", "agent_version").withColumns(
        {"latest": latest, "changed": F.coalesce(version != F.col("agent_version"), F.expr("false")).cast("int")}
    )
    gapped = ordered.withColumn("gap", F.when(minutes > 0, minutes))
    return (
        hours.place(gapped)
        .groupBy(*_KEYS)
        .agg(
            F.max("event_time").alias("last_beat"),
            F.max("gap").alias("gap_max"),
            F.count("gap").alias("gaps"),
            F.sum("gap").alias("gap_sum"),
            F.sum(F.col("gap") * F.col("gap")).alias("gap_squares"),
            F.sum((F.col("gap") > silent).cast("int")).alias("silences"),
            F.sum("changed").alias("agent_changes"),
        )
    )


def log_hours(logs: DataFrame, hours: Hours) -> DataFrame:
    severity = F.col("severity_number")
    return (
        hours.place(
            logs.where(severity >= _ERROR).select("resource_id", "event_time", "ingest_time", "severity_number")
        )
        .groupBy(*_KEYS)
        .agg(
            F.sum((severity < _FATAL).cast("int")).alias("errors"),
            F.sum((severity >= _FATAL).cast("int")).alias("criticals"),
        )
    )


def event_hours(events: DataFrame, hours: Hours) -> DataFrame:
    words = F.lower(F.concat_ws(" ", "action", "reason", "message"))
    reboot = words.rlike("reboot|restart|eventid (1074|6005|6008)")
    counted = {
        "failures": (F.col("outcome") == "failure") | is_failure(),
        "reboots": reboot,
        "health_events": F.col("category") == "health",
        "interruptions": F.col("category") == "interruption",
        "state_changes": F.col("category") == "state_change",
    }
    flags = {name: F.coalesce(flag, F.expr("false")).cast("int") for name, flag in counted.items()}
    return hours.place(events).withColumns(flags).groupBy(*_KEYS).agg(*(F.sum(name).alias(name) for name in flags))


def anomaly_hours(anomalies: DataFrame, hours: Hours) -> DataFrame:
    """silver.anomaly_scores is known from the moment of the score on."""
    found = anomalies.where("is_anomaly").select("resource_id", "event_time", F.col("scored_at").alias("ingest_time"))
    return hours.place(found).groupBy(*_KEYS).agg(F.count(F.lit(1)).alias("anomalies"))


def utilisation_hours(metrics: DataFrame, hours: Hours) -> DataFrame:
    """For each kind and part (volume): the sums from which mean, deviation and trend follow."""
    return (
        hours.place(utilisation(metrics))
        .groupBy(*_KEYS, "kind", "part")
        .agg(
            F.count("percent").alias("points"),
            F.sum("percent").alias("total"),
            F.sum(F.col("percent") * F.col("percent")).alias("squares"),
        )
    )


def within(frame: DataFrame, since: datetime, until: datetime) -> DataFrame:
    """Rows with since < event_time ≤ until."""
    return frame.where((F.col("event_time") > F.lit(since)) & (F.col("event_time") <= F.lit(until)))
