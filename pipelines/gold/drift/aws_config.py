"""What AWS Config saw, as EventBridge brings it: what changed in a resource, and what its own rules say of one.

https://docs.aws.amazon.com/config/latest/developerguide/monitor-config-with-cloudwatchevents.html
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# The kinds of items that controls name: a property of a resource, and a rule of AWS Config (field compliance).
PROPERTY, RULE = "aws_property", "aws_config_rule"
_CHANGES = "map<string,struct<previousValue: string, updatedValue: string, changeType: string>>"
_ITEM_CHANGE, _RULE_CHANGE = "config configuration item change", "config rules compliance change"


def config_observations(events: DataFrame) -> DataFrame:
    """Rows of silver.events → a row a changed property or judged rule, with the columns of an observation."""
    kind = F.lower("action")
    rows = events.where((F.col("source") == "aws.eventbridge") & kind.isin(_ITEM_CHANGE, _RULE_CHANGE))
    item, diff = _detail("configurationItem"), _detail("configurationItemDiff")
    changes = F.from_json(F.get_json_object(diff, "$.changedProperties"), _CHANGES)
    properties = F.transform(
        F.map_entries(changes),
        lambda entry: F.struct(
            F.lit(PROPERTY).alias("item_type"),
            F.get_json_object(item, "$.resourceType").alias("item_name"),
            F.lower(entry["key"]).alias("field"),
            F.coalesce(entry["value"]["updatedValue"], F.lit("none")).alias("value"),
            F.coalesce(entry["value"]["previousValue"], F.lit("none")).alias("previous"),
        ),
    )
    rule = F.array(
        F.struct(
            F.lit(RULE).alias("item_type"),
            _detail("configRuleName").alias("item_name"),
            F.lit("compliance").alias("field"),
            F.get_json_object(_detail("newEvaluationResult"), "$.complianceType").alias("value"),
            F.get_json_object(_detail("oldEvaluationResult"), "$.complianceType").alias("previous"),
        )
    )
    arn, own_id = F.get_json_object(item, "$.ARN"), F.get_json_object(item, "$.resourceId")
    resource = F.when(kind == _ITEM_CHANGE, F.coalesce(arn, own_id)).otherwise(_detail("resourceId"))
    named = rows.select(
        F.lower(F.coalesce(resource, F.col("resource_id"))).alias("resource_id"),
        F.coalesce(_detail("resourceType"), F.get_json_object(item, "$.resourceType"), "resource_type").alias(
            "resource_type"
        ),
        "host_name", F.col("cloud_account_id").alias("account"), F.col("cloud_provider").alias("provider"),
        "event_time", "event_id", F.explode(F.when(kind == _ITEM_CHANGE, properties).otherwise(rule)).alias("seen"),
    )  # fmt: skip
    return named.select("*", "seen.*").drop("seen").where(F.col("item_name").isNotNull())


def _detail(name: str) -> Column:
    return F.try_element_at("attributes", F.lit(f"detail.{name}"))
