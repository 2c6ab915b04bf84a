"""Many actions that are one finding: so many by one address or one actor within minutes."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.security.rules import Burst, Rule
from pipelines.settings import parse_duration

_MICROS = 1_000_000
# So many names are listed in the evidence.
_LISTED = 20


def bursts(hits: DataFrame, rules: tuple[Rule, ...]) -> DataFrame:
    """What `matched` found of `rules`, all of which have a `burst` → a row a burst, in the same columns.

    A burst goes on as long as no two actions are further apart than `within`, or a day ends. It is one if at some
    moment the `within` before it held `at_least` actions; with `distinct`, if the whole of it is of so many different
    ones. It stands at its first action, and `occurrences` counts all of it.
    """
    of_rule = {rule.name: rule.burst for rule in rules if rule.burst is not None}
    hits_of_rules = hits.where(F.col("rule").isin(*of_rule))
    keyed = hits_of_rules.withColumns(
        {
            "by": F.lower(_per_rule(of_rule, lambda burst: F.col(burst.by))),
            "within": _per_rule(of_rule, lambda burst: F.lit(_micros(burst))),
            "unit": F.lower(_per_rule(of_rule, lambda burst: F.col(burst.distinct) if burst.distinct else F.lit(None))),
            "at": F.unix_micros("event_time"),
            "day": F.to_date("event_time"),
        }
    ).where(F.col("by").isNotNull())
    order = ("at", "event_id")
    in_time = Window.partitionBy("rule", "by").orderBy(*order)
    in_a_day = Window.partitionBy("rule", "by", "day").orderBy(*order)

    def is_dense(burst: Burst) -> Column:
        """So many that the one that many places before is not longer ago than `within`."""
        return F.col("at") - F.lag("at", burst.at_least - 1).over(in_time) <= F.col("within")

    begins = F.coalesce(F.col("at") - F.lag("at").over(in_a_day) > F.col("within"), F.expr("true"))
    marked = keyed.withColumns({"dense": F.coalesce(_per_rule(of_rule, is_dense), F.expr("false")), "begins": begins})
    numbered = marked.withColumn("burst", F.sum(F.col("begins").cast("int")).over(in_a_day))
    grouped = numbered.groupBy("rule", "by", "day", "burst").agg(
        F.min_by(F.struct(*hits.columns), F.struct(*order)).alias("first"),
        F.bool_or("dense").alias("dense"),
        F.count_distinct("unit").alias("units"),
        F.count("*").alias("occurrences"),
        F.max("event_time").alias("until"),
        F.count_distinct("actor").alias("distinct_actors"),
        *(_names(column).alias(f"all_{column}") for column in ("actor", "target", "action", "source_address")),
    )
    is_large = _per_rule(
        of_rule, lambda burst: (F.col("units") >= burst.at_least) if burst.distinct else F.col("dense")
    )
    one_actor = F.col("distinct_actors") <= 1
    whole = {
        "occurrences": F.col("occurrences"),
        "evidence": _evidence(of_rule),
        "actor": F.when(one_actor, F.col("first.actor")),
        "actor_type": F.when(one_actor, F.col("first.actor_type")),
    }
    columns = [whole.get(name, F.col(f"first.{name}")).alias(name) for name in hits.columns]
    return grouped.where(is_large).select(*columns)


def _micros(burst: Burst) -> int:
    return int(parse_duration(burst.within).total_seconds() * _MICROS)


def _per_rule(bursts: dict[str, Burst], column: Callable[[Burst], Column]) -> Column:
    return F.coalesce(*(F.when(F.col("rule") == name, column(burst)) for name, burst in bursts.items()))


def _names(column: str) -> Column:
    return F.array_join(F.slice(F.sort_array(F.collect_set(column)), 1, _LISTED), ", ")


def _evidence(of_rule: dict[str, Burst]) -> Column:
    told = {
        "until": F.col("until").cast("string"),
        "within": _per_rule(of_rule, lambda burst: F.lit(burst.within)),
        "actors": F.col("all_actor"),
        "distinct_actors": F.col("distinct_actors").cast("string"),
        "targets": F.col("all_target"),
        "actions": F.col("all_action"),
        "source_addresses": F.col("all_source_address"),
    }
    pairs = F.create_map(*(side for name, value in told.items() for side in (F.lit(name), value)))
    return F.map_filter(pairs, lambda _, text: text.isNotNull() & (text != ""))
