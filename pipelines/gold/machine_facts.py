"""What the bill, the inventory and the spot forecast know of a machine whose metrics name it in their own way."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.allocation import plain
from pipelines.gold.daily import DAY, Days

# Tags by their plain names that say that a machine may be taken away at any time.
_INTERRUPTIBLE = ("interruptible", "spot", "spotcandidate", "toleratesinterruption", "faulttolerant", "stateless")
_YES = ("true", "yes", "1", "ok", "y", "enabled", "preferred")
_GROUP_TAGS = ("aws:autoscaling:groupname", "autoscalinggroup")
_SCALE_SET = "/virtualmachinescalesets/"
# A bill names an instance by its id, metrics by its ARN.
_INSTANCE = r"(?:^|[/:])(i-[0-9a-z]+)$"


def machine(resource: Column) -> Column:
    """One name for a resource in metrics and in bills: the id of an EC2 instance, else the resource in lower case."""
    instance = F.regexp_extract(resource, _INSTANCE, 1)
    return F.when(instance != "", instance).otherwise(F.lower(resource))


def machine_facts(costs: DataFrame, inventory: DataFrame, days: Days, window_days: int) -> DataFrame:
    """A row a day of `days` and machine: instance_type, region and is_on_spot by what was charged last in the window,
    tolerates_interruption, owner. Of machines that the bill or the inventory knows."""
    charged = _charged(costs, days, window_days)
    known = inventory.where("is_current").select(machine(F.col("resource_id")).alias("machine"), *_told(inventory))
    told = known.groupBy("machine").agg(
        F.max("tolerates_interruption").alias("tolerates_interruption"), F.max("owner").alias("owner")
    )
    asked = told.crossJoin(F.broadcast(_all_of(days, costs)))
    facts = charged.join(asked, [DAY, "machine"], "full")
    return facts.withColumns(
        {
            "tolerates_interruption": F.coalesce("tolerates_interruption", F.expr("false")),
            "is_on_spot": F.coalesce("is_on_spot", F.expr("false")),
        }
    )


def spot_offers(spot: DataFrame) -> DataFrame:
    """gold.spot_forecast → a row an instance type and region: its zone of least expected cost (Linux where there is
    one), spot_cost_per_hour (USD) and spot_risk."""
    is_linux = F.contains(F.lower("product_description"), F.lit("linux"))
    best = F.struct(
        (~is_linux).alias("other"),
        F.col("expected_cost_per_hour").alias("cost"),
        F.col("risk_index").alias("risk"),
        F.col("availability_zone").alias("zone"),
    )
    offers = spot.where("expected_cost_per_hour IS NOT NULL")
    return (
        offers.groupBy("instance_type", F.col("cloud_region").alias("region"))
        .agg(F.min(best).alias("best"))
        .select(
            "instance_type",
            "region",
            F.col("best.zone").alias("spot_zone"),
            F.col("best.cost").alias("spot_cost_per_hour"),
            F.col("best.risk").alias("spot_risk"),
        )
    )


def _charged(costs: DataFrame, days: Days, window_days: int) -> DataFrame:
    running = costs.where(F.col("instance_type").isNotNull() & F.col("resource_id").isNotNull())
    first = F.greatest(F.col(DAY), F.lit(days.first))
    last = F.least(F.date_add(DAY, window_days - 1), F.lit(days.last))
    of_windows = running.select(
        F.col(DAY).alias("charged_on"),
        machine(F.col("resource_id")).alias("machine"),
        F.explode(F.when(first <= last, F.sequence(first, last))).alias(DAY),
        "instance_type",
        F.col("RegionId").alias("region"),
        (F.col("PricingCategory") == "Dynamic").alias("is_on_spot"),
    )
    latest = F.max(F.struct("charged_on", "instance_type", "region", "is_on_spot")).alias("latest")
    charged = of_windows.groupBy(DAY, "machine").agg(latest)
    return charged.select(DAY, "machine", "latest.instance_type", "latest.region", "latest.is_on_spot")


def _told(inventory: DataFrame) -> tuple[Column, Column]:
    tags = plain(F.col("tags"))
    says_so = reduce(
        Column.__or__, (F.coalesce(F.lower(tags[name]).isin(*_YES), F.expr("false")) for name in _INTERRUPTIBLE)
    )
    in_group = F.coalesce(*(tags[name] for name in _GROUP_TAGS)).isNotNull()
    in_set = F.contains(F.lower("resource_id"), F.lit(_SCALE_SET))
    return (says_so | in_group | in_set).alias("tolerates_interruption"), F.col("owner")


def _all_of(days: Days, any_rows: DataFrame) -> DataFrame:
    one = any_rows.sparkSession.range(1)
    return one.select(F.explode(F.sequence(F.lit(days.first), F.lit(days.last))).alias(DAY))
