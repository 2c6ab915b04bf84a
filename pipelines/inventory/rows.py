"""Versions → rows of silver.inventory: facts as columns, what the id tells where nothing else does, and the owner."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.inventory.columns import FACTS
from pipelines.inventory.facts import TAG
from pipelines.inventory.from_id import constants, host, name

# AWS shows a resource by this tag.
_NAME_TAG = "Name"


def rows_of(versions: DataFrame, owner_tags: tuple[str, ...]) -> DataFrame:
    """`history_of` → all columns of the table but updated_at."""
    facts, resource = F.col("facts"), F.col("resource_id")
    tags = F.transform_keys(
        F.map_filter(facts, lambda key, _: F.startswith(key, F.lit(TAG))),
        lambda key, _: F.substring(key, len(TAG) + 1, 2**31 - 1),
    )
    told = versions.withColumn("tags", F.when(F.size(tags) > 0, tags))
    columns = {key: facts[key] for key in FACTS}
    columns |= {key: F.coalesce(constant, facts[key]) for key, constant in constants(resource).items()}
    columns["resource_name"] = F.coalesce(facts["resource_name"], F.col("tags")[_NAME_TAG], name(resource))
    columns["host_name"] = F.coalesce(facts["host_name"], F.lower(host(resource)))
    described = F.exists(F.map_keys(facts), lambda key: key != "resource_type")
    return told.select(
        "resource_id",
        "valid_from",
        "valid_to",
        F.col("valid_to").isNull().alias("is_current"),
        *(column.alias(key) for key, column in columns.items()),
        "tags",
        owner_of(F.col("tags"), owner_tags).alias("owner"),
        described.alias("is_described"),
        F.sort_array(F.map_keys("told")).alias("sources"),
        "told",
        "first_seen",
    )


def owner_of(tags: Column, names: tuple[str, ...]) -> Column:
    """The value of the first of these tags that there is, however it is capitalised."""
    lower = F.transform_keys(tags, lambda key, _: F.lower(key))
    return F.coalesce(*(F.nullif(F.btrim(lower[tag.lower()]), F.lit("")) for tag in names))
