"""silver.events and silver.logs → gold.security_audit: a row a finding."""

from __future__ import annotations

import re
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY, DailyTable, Silver, Source
from pipelines.gold.security import aws, azure, hosts, kubernetes
from pipelines.gold.security.bursts import bursts
from pipelines.gold.security.matching import matched
from pipelines.gold.security.rules import Kind, Rule, SecurityRules, security_rules
from pipelines.gold.security.shape import stacked
from pipelines.tables import contract

TABLE = contract("gold.security_audit")
EVENTS, LOGS = contract("silver.events"), contract("silver.logs")
# A burst may have begun before midnight: the longest `within` that a rule may have.
LOOK_BACK = timedelta(days=1)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def hits(events: DataFrame, logs: DataFrame, rules: SecurityRules) -> DataFrame:
    """Rows of silver.events and silver.logs → the actions that a rule matches, once for each rule."""
    by_kind = {
        Kind.AWS: aws.calls(events),
        Kind.GUARD: aws.guard_findings(events),
        Kind.AZURE: azure.operations(events),
        Kind.WINDOWS: stacked([hosts.security_events(events), hosts.windows_logs(logs)]),
        Kind.ENTRA: azure.directory(logs),
        Kind.KEY_VAULT: azure.vaults(logs),
        Kind.KUBERNETES: kubernetes.audit_events(logs),
        Kind.SSH: hosts.ssh(logs),
    }
    # Before they are stacked: Spark would give each of them the rules of all.
    found = stacked([matched(actions, kind, rules.rules) for kind, actions in by_kind.items()])
    found = found.withColumn("occurrences", F.lit(1).cast("bigint"))
    # A record that came twice is one action.
    return found.dropDuplicates(["event_id", "rule"])


def findings(hits: DataFrame, rules: SecurityRules) -> DataFrame:
    """What `hits` found → rows of gold.security_audit of the same days."""
    of_bursts = tuple(rule for rule in rules.rules if rule.burst is not None)
    single = hits.where(~F.col("rule").isin(*(rule.name for rule in of_bursts)))
    return stacked([single, bursts(hits, of_bursts)] if of_bursts else [hits]).transform(_explained, rules)


def _explained(hits: DataFrame, rules: SecurityRules) -> DataFrame:
    named = {
        "title": {rule.name: _title(rule) for rule in rules.rules},
        "severity": {rule.name: F.lit(rule.severity.value) for rule in rules.rules},
        "tactic": {rule.name: F.lit(rule.tactic.value) for rule in rules.rules if rule.tactic},
        "technique_id": {rule.name: F.lit(rule.technique) for rule in rules.rules if rule.technique},
        "technique_name": {
            rule.name: F.lit(rules.techniques[rule.technique]) for rule in rules.rules if rule.technique
        },
    }
    return hits.select(
        F.md5(F.concat_ws("|", "event_id", "rule")).alias("finding_id"),
        F.to_date("event_time").alias(DAY),
        "event_time",
        "rule",
        *(_by_rule(values).alias(column) for column, values in named.items()),
        "actor",
        "actor_type",
        "target",
        "source_address",
        F.coalesce("outcome", F.lit("unknown")).alias("outcome"),
        "provider",
        "account",
        "region",
        "resource_id",
        "action",
        "occurrences",
        "evidence",
        "event_id",
    )


def _by_rule(values: dict[str, Column]) -> Column:
    return F.coalesce(*(F.when(F.col("rule") == name, value) for name, value in values.items()), F.lit(None))


def _title(rule: Rule) -> Column:
    """The rule's sentence with its names filled in; what is not known is `?`."""
    pieces = _PLACEHOLDER.split(rule.title)
    columns = [
        F.coalesce(F.col(piece).cast("string"), F.lit("?")) if place % 2 else F.lit(piece)
        for place, piece in enumerate(pieces)
    ]
    return F.concat(*columns)


def rows(silver: Silver) -> DataFrame:
    rules, days_before = security_rules(), LOOK_BACK.days
    found = hits(silver.of_days(EVENTS, days_before=days_before), silver.of_days(LOGS, days_before=days_before), rules)
    # Worked out once: single findings and bursts are made of the same.
    in_days = F.col(DAY).between(F.lit(silver.days.first), F.lit(silver.days.last))
    return findings(found.localCheckpoint(), rules).where(in_days)


DAILY = DailyTable(TABLE, (Source(EVENTS, reach=1), Source(LOGS, reach=1)), rows)
