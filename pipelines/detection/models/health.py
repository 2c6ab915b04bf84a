"""gold.model_health: is the champion still fit for today's data, and which version could not be loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.detection.models import feedback as verdicts
from pipelines.detection.models import reference, training_plan
from pipelines.detection.models.feedback import Verdict
from pipelines.detection.models.reference import EDGES, Distribution, stability
from pipelines.detection.models.registry import Registry
from pipelines.model_registry.registry import CHALLENGER, CHAMPION
from pipelines.settings import Settings, parse_duration
from pipelines.tables import contract, ensure_table, read_table, save_table, table_exists

TABLE = contract("gold.model_health")
SCORES = contract("silver.anomaly_scores")

# Scores that are judged are those of the last day; fewer than these tell nothing.
_LOOK_BACK, _LEAST_ROWS = timedelta(days=1), 1000
# Above this stability index a population is taken for another one.
_DRIFT = 0.25
# An alert rate this many times the reference, and at least this high, is drift too, whatever the index says.
_ALERT_FACTOR, _ALERT_FLOOR = 3.0, 0.001


@dataclass(frozen=True)
class Health:
    """A row of the table."""

    model_name: str
    model_version: str
    role: str
    checked_at: datetime
    state: str
    reason: str
    scored_rows: int | None = None
    alert_rate: float | None = None
    reference_alert_rate: float | None = None
    psi: float | None = None
    trained_at: datetime | None = None
    data_until: datetime | None = None
    age_seconds: float | None = None


def check(spark: SparkSession, settings: Settings, registry: Registry, now: datetime | None = None) -> Health | None:
    """Judge the champion by its newest scores and append that to the table; None if there is no champion yet."""
    version = registry.version_of(CHAMPION)
    if version is None:
        return None
    moment = now or datetime.now(UTC)
    told = registry.version(version)
    unjudged = Health(registry.model_name, version, CHAMPION, moment, "", "", trained_at=told.created_at)
    recorded, plan = registry.read_file(version, reference.FILE), registry.read_file(version, training_plan.FILE)
    known = {} if recorded is None else reference.from_json(recorded)
    if plan is not None:
        until = training_plan.from_json(plan).end
        unjudged = replace(unjudged, data_until=until, age_seconds=(moment - until).total_seconds())
    observed = newest_scores(spark, settings, version, moment)
    health = judge(unjudged, observed, known, parse_duration(settings.detection.retrain_after))
    _append(spark, settings, health)
    return health


def note_refusal(spark: SparkSession, settings: Settings, version: str, reason: str) -> None:
    """Append that `version` could not be loaded, so that the former one goes on."""
    registry = Registry.of(settings)
    roles = (alias for alias in (CHAMPION, CHALLENGER) if registry.version_of(alias) == version)
    role = next(roles, "none")
    _append(spark, settings, Health(registry.model_name, version, role, datetime.now(UTC), "refused", reason))


def judge(
    unjudged: Health, observed: Mapping[str, Distribution], known: Mapping[str, Distribution], retrain_after: timedelta
) -> Health:
    """State and figures from today's scores and those at training, both by detector."""
    rows = sum(one.rows for one in observed.values())
    alerts = sum(one.alerts for one in observed.values())
    health = replace(unjudged, scored_rows=rows, alert_rate=alerts / rows if rows else None)
    if not known:
        return replace(
            health, state="untrained", reason="the built-in parameters: `lakehouse train` makes a model of them"
        )
    both = {
        name: one for name, one in observed.items() if name in known and min(one.rows, known[name].rows) >= _LEAST_ROWS
    }
    compared = sum(one.rows for one in both.values())
    if both:
        usual = sum(one.rows * known[name].alert_rate for name, one in both.items()) / compared
        seen = sum(one.alerts for one in both.values()) / compared
        distances = {name: stability(one, known[name]) for name, one in both.items()}
        worst = max(distances, key=lambda name: distances[name])
        health = replace(health, reference_alert_rate=usual, psi=distances[worst])
        if distances[worst] > _DRIFT:
            said = f"scores of {worst} are distributed unlike at training: index {distances[worst]:.2f} above {_DRIFT}"
            return replace(health, state="drifting", reason=f"{said}; `lakehouse train` learns today's data")
        if seen > max(_ALERT_FACTOR * usual, _ALERT_FLOOR):
            said = (
                f"{seen:.4f} of the scores are alerts, more than {_ALERT_FACTOR:.0f} times the {usual:.4f} at training"
            )
            return replace(health, state="drifting", reason=f"{said}; an incident, or `lakehouse train` is due")
    age = timedelta(seconds=health.age_seconds or 0.0)
    if age > retrain_after:
        said = f"its newest data is {age.days} days old, older than detection.retrain_after"
        return replace(health, state="stale", reason=f"{said}: `lakehouse train`")
    enough = "as at training" if both else f"too few scores yet to compare: a detector needs {_LEAST_ROWS}"
    return replace(health, state="healthy", reason=enough)


def newest_scores(spark: SparkSession, settings: Settings, version: str, now: datetime) -> dict[str, Distribution]:
    """Scores that `version` gave in the last day, by detector; without windows that operators called expected."""
    if not table_exists(spark, settings, SCORES):
        return {}
    rows = read_table(spark, settings, SCORES).where(
        (F.col("scored_at") > F.lit(now - _LOOK_BACK)) & (F.col("model_version") == version) & ~_expected(settings)
    )
    names = [f"bin_{number}" for number in range(len(EDGES) - 1)]
    # The last bin holds its upper edge.
    uppers = (*EDGES[1:-1], float("inf"))
    score = F.col("anomaly_score")
    bins = [
        F.count_if((score >= lower) & (score < upper)).alias(name)
        for name, lower, upper in zip(names, EDGES[:-1], uppers, strict=True)
    ]
    alerts = F.count_if("is_anomaly").alias("alerts")
    found = rows.groupBy("detector").agg(*bins, alerts).collect()
    return {row["detector"]: Distribution(tuple(row[name] for name in names), row["alerts"]) for row in found}


def _expected(settings: Settings) -> Column:
    """Whether a score is of a window that an operator called expected."""
    condition = F.expr("false")
    for one in verdicts.given(settings).feedback:
        if one.verdict is not Verdict.EXPECTED:
            continue
        inside = F.col("event_time").between(F.lit(one.start_time), F.lit(one.end_time))
        if one.series_id is not None:
            inside &= F.col("series_id") == one.series_id
        else:
            inside &= F.col("resource_id") == one.resource_id
            if one.metric is not None:
                inside &= F.col("metric") == one.metric
        condition |= inside
    return condition


def _append(spark: SparkSession, settings: Settings, health: Health) -> None:
    ensure_table(spark, settings, TABLE)
    save_table(_row(spark, health).write.mode("append"), settings, TABLE)


def _row(spark: SparkSession, health: Health) -> DataFrame:
    names = [field.name for field in fields(Health)]
    assert tuple(names) == TABLE.column_names
    schema = ", ".join(f"{column.name} {column.type}" for column in TABLE.columns)
    return spark.createDataFrame([tuple(getattr(health, name) for name in names)], schema)
