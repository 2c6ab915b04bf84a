"""Rules as Spark expressions: one pass over the actions of a kind, each asked for all rules of that kind at once."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.globs import is_one_of
from pipelines.gold.security.rules import Kind, Match, Outcome, Rule, Subject
from pipelines.gold.security.shape import matches


def matched(actions: DataFrame, kind: Kind, rules: tuple[Rule, ...]) -> DataFrame:
    """Rows of one kind, each as often as a rule matches it, with `rule`, its name; those of none are gone."""
    hits = []
    for rule in rules:
        mine = [condition(match) for match in rule.match if match.kind is kind]
        if mine:
            hits.append(F.when(reduce(Column.__or__, mine), F.lit(rule.name)))
    if not hits:
        return actions.withColumn("rule", F.lit("")).limit(0)
    # Of `explode`, Spark would ask all rules once more before, with what their columns are made of written into each.
    asked = actions.withColumn("rules", F.array_compact(F.array(*hits)))
    asked = asked.withColumn("rule", F.explode_outer(_most_telling(rules))).drop("rules")
    return asked.where(F.col("rule").isNotNull())


def _most_telling(rules: tuple[Rule, ...]) -> Column:
    """The rules that match, without those that another of them stands in for."""
    hidden = [
        F.when(F.array_contains("rules", rule.name), F.array(*map(F.lit, rule.instead_of)))
        for rule in rules
        if rule.instead_of
    ]
    none = F.array().cast("array<string>")
    return F.array_except("rules", F.flatten(F.array(*(F.coalesce(one, none) for one in hidden), none)))


def condition(match: Match) -> Column:
    """Whether a row of the match's kind is meant; never null. The cheapest part is asked first."""
    parts = [_is_named(match.actions)] if match.actions else []
    if match.outcome is not None:
        failed = F.coalesce(F.col("outcome") == "failure", F.expr("false"))
        parts.append(failed if match.outcome is Outcome.FAILURE else ~failed)
    parts += [matches(_of(subject), pattern) for subject, pattern in match.where.items()]
    parts += [~matches(_of(subject), pattern) for subject, pattern in match.unless.items()]
    return reduce(Column.__and__, parts)


def _is_named(actions: tuple[str, ...]) -> Column:
    """By its name alone, or with its service before it (`iam:CreateUser`), which is not asked for where unknown."""
    tests = [is_one_of(F.col("name"), [action for action in actions if ":" not in action])]
    qualified = [action for action in actions if ":" in action]
    if qualified:
        full = F.concat_ws(":", "service", "name")
        bare = [action.partition(":")[2] for action in qualified]
        tests.append(
            F.when(F.col("service").isNull(), is_one_of(F.col("name"), bare)).otherwise(is_one_of(full, qualified))
        )
    return F.coalesce(reduce(Column.__or__, tests), F.expr("false"))


def _of(subject: Subject) -> Column:
    return F.col(subject.value)
