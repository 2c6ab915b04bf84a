"""silver → gold.failure_risk: how likely each machine fails or falls silent within 1, 24 and 168 hours, and why.

The table is small (a row a machine) and about one moment, so it is written anew as a whole: an overwrite is atomic, and
a second one of the same moment and model writes the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import ModelError
from pipelines.failure.failures import downtimes, time_to_failure
from pipelines.failure.features import features_at, grid_of
from pipelines.failure.model import FailureModel
from pipelines.failure.names import FEATURES, HORIZONS_HOURS, LOOK_BACK, KnownBy, base_rate, risk
from pipelines.failure.reasons import reasons
from pipelines.failure.signals import Hours, Silver, within
from pipelines.settings import Settings, parse_duration
from pipelines.tables import contract, delta_table, ensure_table, overwrite_table, read_table, table_exists

TABLE = contract("gold.failure_risk")
SOURCES = tuple(contract(f"silver.{name}") for name in ("heartbeats", "metrics", "logs", "events"))
SCORES = contract("silver.anomaly_scores")
# Gaps need the heartbeat before the first that counts.
_READ_BEFORE = LOOK_BACK + timedelta(days=1)


@dataclass(frozen=True)
class HistoryRule:
    """How much of the past is learned from: `days` back, a row a machine every `step`.

    Rows an hour apart are nearly the same row; the step is what keeps a large fleet's history in memory.
    """

    days: int = 120
    step: timedelta = timedelta(hours=3)
    known_by: KnownBy = KnownBy.INGEST


def read_silver(spark: SparkSession, settings: Settings, since: datetime, until: datetime) -> Silver:
    """Rows with since < event_time ≤ until. Tables that are not there yet are made, so that they read as empty."""
    for table in SOURCES:
        ensure_table(spark, settings, table)
    heartbeats, metrics, logs, events = (within(read_table(spark, settings, table), since, until) for table in SOURCES)
    scored = table_exists(spark, settings, SCORES)
    scores = within(read_table(spark, settings, SCORES), since, until) if scored else None
    return Silver(heartbeats, metrics, logs, events, scores)


def delta_versions(spark: SparkSession, settings: Settings) -> dict[str, int]:
    """`silver.<table>` → the version of the Delta table that a reader sees now."""
    return {
        table.full_name: int(delta_table(spark, settings, table).history(1).select("version").collect()[0][0])
        for table in (*SOURCES, SCORES)
        if table_exists(spark, settings, table)
    }


def history_of(silver: Silver, settings: Settings, rule: HistoryRule, until: datetime) -> DataFrame:
    """What `pipelines.failure.training.train` reads: features of each machine and moment, and what happened then."""
    hours = Hours(until, parse_duration(settings.gold.silent_after), rule.known_by)
    steps = timedelta(days=rule.days) // rule.step
    grid = grid_of(silver.heartbeats, until - steps * rule.step, until, rule.step)
    failures = downtimes(silver.heartbeats, silver.events, hours.silent_after, until)
    answers = time_to_failure(grid, failures, until)
    return features_at(answers.select("resource_id", "as_of"), silver, hours).join(answers, ["resource_id", "as_of"])


def read_history(spark: SparkSession, settings: Settings, rule: HistoryRule, now: datetime) -> pd.DataFrame:
    """The history up to the last heartbeat before `now`. Raises ModelError if there is none.

    Up to then, as else a stop of the collection itself would be a silence of every machine.
    """
    silver = read_silver(spark, settings, now - timedelta(days=rule.days) - _READ_BEFORE, now)
    found = silver.heartbeats.agg(F.unix_micros(F.max("event_time"))).first()
    if found is None or found[0] is None:
        raise ModelError(f"table silver.heartbeats has no rows in the {rule.days} days before {now:%Y-%m-%d %H:%M}")
    until = now - timedelta(microseconds=int(now.timestamp() * 1e6) - found[0])
    history: pd.DataFrame = history_of(silver, settings, rule, until).toPandas()
    return history.sort_values(["as_of", "resource_id"], ignore_index=True)


def features_now(silver: Silver, hours: Hours) -> DataFrame:
    """FEATURES, disk_volume and host_name of each machine heard of in LOOK_BACK, at `hours.anchor`."""
    machines = silver.heartbeats.groupBy("resource_id").agg(F.max_by("host_name", "event_time").alias("host_name"))
    grid = machines.select("resource_id", F.lit(hours.anchor).alias("as_of"))
    return features_at(grid, silver, hours).join(machines, "resource_id").orderBy("resource_id")


def assess(features: pd.DataFrame, model: FailureModel, version: int, silent_after: timedelta) -> pd.DataFrame:
    """Rows of the table, all but as_of, from `features_now`. A machine that is down has no risk: it has failed."""
    if model.features != FEATURES:
        raise ModelError(f"failure_risk version {version} was trained on other features: train it again")
    rows = features[["resource_id", "host_name"]].copy()
    silent = features["minutes_since_heartbeat"]
    rows["is_down"] = (silent > silent_after.total_seconds() / 60).to_numpy()
    risks = model.risks(features) if len(features) else pd.DataFrame(columns=[risk(hours) for hours in HORIZONS_HOURS])
    why = reasons(model, features) if len(features) else []
    for hours in HORIZONS_HOURS:
        rows[risk(hours)] = risks[risk(hours)].astype(float).where(~rows["is_down"])
    rows["reasons"] = [
        [f"down: silent for {minutes:.0f} min"] if is_down else said
        for said, is_down, minutes in zip(why, rows["is_down"], silent, strict=True)
    ]
    for horizon in model.horizons:
        rows[base_rate(horizon.horizon_hours)] = horizon.base_rate
    for judged in model.evaluations:
        rows[f"brier_skill_{judged.horizon_hours}h"] = judged.brier_skill
    return rows.assign(model_name=model.name, model_version=version, is_calibrated=model.is_calibrated)


def refresh(
    spark: SparkSession,
    settings: Settings,
    model: FailureModel,
    version: int,
    as_of: datetime,
    known_by: KnownBy = KnownBy.INGEST,
) -> int:
    """Write the table anew as of `as_of` (UTC); the number of machines."""
    silent_after = parse_duration(settings.gold.silent_after)
    silver = read_silver(spark, settings, as_of - _READ_BEFORE, as_of)
    features = features_now(silver, Hours(as_of, silent_after, known_by)).toPandas()
    return write(spark, settings, assess(features, model, version, silent_after), as_of)


def write(spark: SparkSession, settings: Settings, rows: pd.DataFrame, as_of: datetime) -> int:
    """Replace all rows of the table in one commit."""
    ensure_table(spark, settings, TABLE)
    columns = [column for column in TABLE.columns if column.name != "as_of"]
    schema = ", ".join(f"`{column.name}` {column.type}" for column in columns)
    # What is not known is null in a table, not NaN, which would be larger than any risk.
    plain = [tuple(_cell(value) for value in row) for row in rows[[column.name for column in columns]].values.tolist()]
    frame = spark.createDataFrame(plain, schema).withColumn("as_of", F.lit(as_of)).select(*TABLE.column_names)
    overwrite_table(frame.coalesce(1).write, settings, TABLE)
    return len(plain)


def _cell(value: object) -> object:
    return None if isinstance(value, float) and value != value else value
