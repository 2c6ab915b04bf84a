"""Whom a charge is allocated to: environment, team, application and cost centre by its tags, and its owner."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class AllocationTags:
    """Of each the tags that name it, the first that a charge has. Capitals, spaces, `-` and `_` do not matter, nor the
    `user:` of AWS."""

    environment: tuple[str, ...] = ("environment", "env", "stage")
    team: tuple[str, ...] = ("team", "squad", "business_unit", "department", "cost_department", "org")
    application: tuple[str, ...] = ("application", "app", "project", "product", "workload", "service")
    cost_center: tuple[str, ...] = ("cost_center", "cost_centre")


_NOISE = r"^user[:_]|[-_ ]"
DIMENSIONS = tuple(field.name for field in fields(AllocationTags))


def plain(tags: Column) -> Column:
    """Tags by their plain names, without those that say nothing. Of two that are alike in it, one."""
    said = F.map_filter(tags, lambda _, value: F.trim(value) != "")
    return F.transform_keys(said, lambda name, _: F.regexp_replace(F.lower(name), _NOISE, ""))


def allocated(plain_tags: Column, names: AllocationTags) -> dict[str, Column]:
    """Tags by their plain names → a column for each dimension, null where no tag says it."""
    return {
        dimension: F.coalesce(*(plain_tags[re.sub(_NOISE, "", name.lower())] for name in getattr(names, dimension)))
        for dimension in DIMENSIONS
    }


def owners(inventory: DataFrame) -> DataFrame:
    """silver.inventory → a row a resource: resource_id, and its `versions` in order, each with owner and tags.

    One row, whatever the inventory holds: a join with it never counts a cost twice.
    """
    # As entries, since maps have no order to sort by.
    tags = F.sort_array(F.map_entries(plain(F.col("tags")))).alias("tags")
    version = F.struct("valid_from", "owner", tags)
    return inventory.groupBy("resource_id").agg(F.sort_array(F.collect_list(version)).alias("versions"))


def held_on(day: Column) -> Column:
    """Of `versions`, the one that held at the end of the day; before all of them, the first."""
    held = F.filter("versions", lambda version: F.to_date(version["valid_from"]) <= day)
    return F.coalesce(F.try_element_at(held, F.lit(-1)), F.get("versions", F.lit(0)))
