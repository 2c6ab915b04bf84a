"""Names of silver.inventory: the facts of a resource, and the columns that a record gains by them. Needs no Spark."""

from __future__ import annotations

# Each is text; tags come beside them, and the owner follows from the tags.
FACTS = (
    "cloud_provider", "cloud_account_id", "cloud_account_name", "resource_group", "cloud_region",
    "cloud_availability_zone", "resource_type", "resource_name", "host_name", "os_type", "os_name", "os_version",
    "k8s_cluster_name", "k8s_namespace_name",
)  # fmt: skip
# The silver tables whose rows are about a resource. A spot price is about an offer, which nobody owns.
TOLD_BY = ("metrics", "heartbeats", "logs", "events", "configuration_items", "config_changes", "costs")
# Column of the inventory → column of a record. Records have some of the names for what they say themselves.
JOINED = (
    ("resource_name", "resource_name"),
    ("owner", "resource_owner"),
    ("tags", "resource_tags"),
    ("resource_group", "resource_group"),
    ("resource_type", "resource_kind"),
    ("cloud_provider", "resource_cloud_provider"),
    ("cloud_account_id", "resource_cloud_account_id"),
    ("cloud_account_name", "resource_cloud_account_name"),
    ("cloud_region", "resource_cloud_region"),
    ("host_name", "resource_host_name"),
    ("os_type", "resource_os_type"),
    ("os_name", "resource_os_name"),
    ("os_version", "resource_os_version"),
    ("is_described", "resource_is_described"),
)
IS_KNOWN = "resource_is_known"
