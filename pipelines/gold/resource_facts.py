"""What the inventory knows of each resource as a day ended: where it is, whose it is, which service it is part of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY

SERVICE_TAGS = ("service", "app", "application", "app.kubernetes.io/name")
ENVIRONMENT_TAGS = ("environment", "env", "stage")
FACTS = (
    "service", "environment", "owner", "cloud_provider", "cloud_account_id", "cloud_region", "resource_type",
    "resource_group", "k8s_cluster_name", "host_name",
)  # fmt: skip


def with_facts(rows: DataFrame, inventory: DataFrame) -> DataFrame:
    """Rows with `resource_id` and `day`, each with FACTS as they were at the end of its day; null where not known.

    Of a day before all versions, as the first has them: a resource is often described after it is first heard.
    """
    versions = inventory.select(
        "resource_id", F.to_date("valid_from").alias("since"), F.struct("valid_from", *_facts()).alias("facts")
    )
    wanted = rows.select("resource_id", DAY).distinct()
    held = F.col("since") <= F.col(DAY)
    found = (
        wanted.join(versions, "resource_id")
        .groupBy("resource_id", DAY)
        .agg(F.max(F.when(held, F.col("facts"))).alias("held"), F.min("facts").alias("earliest"))
        .select("resource_id", DAY, F.coalesce("held", "earliest").alias("found"))
        .select("resource_id", DAY, *(F.col(f"found.{name}").alias(name) for name in FACTS))
    )
    return rows.join(found, ["resource_id", DAY], "left")


def first_tag(names: Sequence[str]) -> Column:
    """The value of the first of these tags that the column `tags` has, whatever the case of its key; null if none."""
    entries = F.map_entries("tags")
    values = [F.get(F.filter(entries, _has_key(name)), F.lit(0))["value"] for name in names]
    return F.coalesce(*(F.nullif(value, F.lit("")) for value in values))


def _facts() -> list[Column]:
    service = F.coalesce(first_tag(SERVICE_TAGS), "k8s_namespace_name", "resource_group")
    made = {"service": service, "environment": first_tag(ENVIRONMENT_TAGS)}
    return [made.get(name, F.col(name)).alias(name) for name in FACTS]


def _has_key(name: str) -> Callable[[Column], Column]:
    return lambda tag: F.lower(tag["key"]) == name
