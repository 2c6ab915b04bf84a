"""What a resource's id tells, of any family."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def azure_columns() -> dict[str, Column]:
    """cloud_provider, cloud_account_id and resource_type, from an Azure `resource_id` where they are null."""
    resource = F.col("resource_id")
    is_azure = F.startswith(resource, F.lit("/subscriptions/"))
    # A subscription, or a group of resources in it, has no type.
    is_typed = is_azure & (_segment(resource, 6) == "providers")
    kind = F.concat_ws("/", _segment(resource, 7), _segment(resource, 8))
    return {
        "cloud_provider": F.coalesce("cloud_provider", F.when(is_azure, "azure")),
        "cloud_account_id": F.coalesce("cloud_account_id", F.when(is_azure, _segment(resource, 3))),
        "resource_type": F.coalesce("resource_type", F.when(is_typed, kind)),
    }


def _segment(path: Column, place: int) -> Column:
    """The text between two slashes, counted from 1. `split_part` would compile a regular expression for every row."""
    return F.substring_index(F.substring_index(path, "/", place), "/", -1)
