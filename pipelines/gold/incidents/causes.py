"""What may have caused an incident, the likeliest first.

score = weight × nearness × recency, each 0 to 1:
- weight: 1 for a change of configuration or an act that changes something (half of it if the act failed), 0.9 for what
  the cloud says of the machine (stopped, interrupted, unhealthy), 0.7 for other events, 0.35 for a silence, 0.3 times
  its score for an anomaly, 0.2 for an alert, which is only a word on a symptom;
- nearness: 1 on a resource with symptoms, 0.8 on its host or on what it is part of, 0.5 elsewhere in its group;
- recency: halved with each `half_life` before the first symptom, or after it for a symptom. What comes after the first
  symptom (by more than `late`) and is no symptom is rather a consequence: a tenth.
So an act an hour before on the same machine (0.06) ranks below the first symptom, one of minutes ago above all.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.incidents.options import IncidentOptions
from pipelines.gold.incidents.signals import SYMPTOMS

_NEAR = ((1.0, "on the same resource"), (0.8, "on its host or what it is part of"), (0.5, "in the same group"))


def explaining(incidents: DataFrame, context: DataFrame, options: IncidentOptions) -> DataFrame:
    """Events and changes with topology that come shortly before or during an incident, in one of its groups.

    incidents: incident_id, first_seen, last_seen, resource_ids, units, keys. Result: columns of the context, with
    incident_id, first_seen and nearness.
    """
    before = F.expr(f"INTERVAL '{options.before.total_seconds()}' SECOND")
    wanted = incidents.select(
        "incident_id", "first_seen", "last_seen", "resource_ids", "units", F.explode("keys").alias("key")
    )
    given = context.select("*", F.explode("keys").alias("key"))
    # One signal meets an incident by several keys.
    same = ["incident_id", "kind", "resource_id", "at", "what"]
    met = (
        wanted.join(given, "key")
        .where((F.col("at") >= F.col("first_seen") - before) & (F.col("at") <= F.col("last_seen")))
        .dropDuplicates(same)
    )
    resource = F.col("resource_id")
    is_part = F.exists("resource_ids", lambda one: F.startswith(one, F.concat(resource, F.lit("/"))))
    nearness = (
        F.when(F.array_contains("resource_ids", resource), _NEAR[0][0])
        .when(F.array_contains("units", F.col("unit")) | is_part, _NEAR[1][0])
        .otherwise(_NEAR[2][0])
    )
    return met.withColumn("nearness", nearness).drop("key", "resource_ids", "units", "last_seen")


def score(options: IncidentOptions) -> Column:
    """Of rows with kind, at, weight, nearness and first_seen."""
    is_symptom = F.col("kind").isin(*SYMPTOMS)
    after = _seconds("first_seen", "at")
    faded = F.pow(F.lit(2.0), -F.abs(after) / options.half_life.total_seconds())
    recency = F.when(is_symptom | (after <= 0), faded).when(after <= options.late.total_seconds(), 1.0).otherwise(0.1)
    return F.round(F.col("weight") * F.col("nearness") * recency, 3)


def why() -> Column:
    """When and where it was, in words."""
    after = _seconds("first_seen", "at")
    when = (
        F.when(F.col("kind").isin(*SYMPTOMS) & (after <= 0), "the first symptom")
        .when(after <= 0, F.concat(_span(-after), F.lit(" before the first symptom")))
        .otherwise(F.concat(_span(after), F.lit(" after the first symptom")))
    )
    where = F.lit(_NEAR[-1][1])
    for nearness, words in _NEAR[:-1]:
        where = F.when(F.col("nearness") == nearness, words).otherwise(where)
    return F.when(F.col("kind").isin(*SYMPTOMS), when).otherwise(F.concat(when, F.lit(", "), where))


def ranked(rows: DataFrame, options: IncidentOptions) -> DataFrame:
    """Symptoms and what may explain them → incident_id, causes (as in the table)."""
    scored = rows.withColumns({"score": score(options), "why": why()})
    order = F.struct(-F.col("score"), F.col("at"), F.col("resource_id"), F.col("what"))
    names = ("kind", "what", "resource_id", "at", "score", "why")
    entry = F.struct(order.alias("order"), F.struct(*names).alias("cause"))
    best = F.slice(F.sort_array(F.collect_list(entry)), 1, options.causes)

    def placed(one: Column, index: Column) -> Column:
        cause = one["cause"]
        return F.struct((index + 1).alias("rank"), *(cause[name].alias(name) for name in names))

    return scored.groupBy("incident_id").agg(F.transform(best, placed).alias("causes"))


def _span(seconds: Column) -> Column:
    minute = timedelta(minutes=1).total_seconds()
    minutes = F.concat(F.round(seconds / minute).cast("bigint"), F.lit(" min"))
    return F.when(seconds < 2 * minute, F.concat(seconds.cast("bigint"), F.lit(" s"))).otherwise(minutes)


def _seconds(start: str, end: str) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / 1e6
