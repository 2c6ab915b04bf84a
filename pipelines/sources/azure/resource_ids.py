"""What records of Azure Monitor tell of the resource they are about, in whatever letter case they do.

https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema
"""

from __future__ import annotations

from typing import TypedDict

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import kept
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.variant import member, word

# The last two are of flow logs: the network, and the log of it.
RESOURCE_IDS = (
    "resourceId", "ResourceId", "resourceID", "ResourceID", "_ResourceId", "resourceid", "RESOURCEID",
    "targetResourceID", "flowLogResourceID",
)  # fmt: skip
_TENANTS = ("tenantId", "TenantId")
_REGIONS = ("location", "Location", "Region", "region")
_SUBSCRIPTIONS = ("subscriptionId", "SubscriptionId", "_SubscriptionId")
# A record's time goes by as many names as there are services.
TIMES = (
    "time", "Time", "timeStamp", "timestamp", "Timestamp", "TimeStamp", "eventTimestamp", "EventTimestamp", "eventTime",
    "EventTime", "EventTimeString", "TimeGenerated", "createdDateTime", "CreatedDateTime",
)  # fmt: skip


class Place(TypedDict):
    cloud_provider: Column
    cloud_account_id: Column
    cloud_region: Column
    resource_id: Column
    resource_type: Column


def place(record: Column, resource: Column) -> Place:
    in_subscription = F.startswith(resource, F.lit("/subscriptions/"))
    return Place(
        cloud_provider=F.lit("azure"),
        cloud_account_id=F.when(~in_subscription, F.lower(word(record, *_SUBSCRIPTIONS))),
        cloud_region=_region(record, resource),
        resource_id=resource,
        resource_type=resource_type(resource),
    )


def resource_id(record: Column) -> Column:
    """In lower case, as one resource is written in several; if it says none, the subscription."""
    told = F.lower(F.rtrim(word(record, *RESOURCE_IDS), F.lit("/")))
    rooted = F.when(F.startswith(told, F.lit("subscriptions/")), F.concat(F.lit("/"), told)).otherwise(told)
    in_subscription = _subscription(word(record, *_SUBSCRIPTIONS))
    return F.coalesce(F.nullif(rooted, F.lit("")), in_subscription)


def tenant(record: Column) -> Column:
    """What a record of a directory is about: `/tenants/…`. In a table of Log Analytics, TenantId is the workspace."""
    return F.when(
        word(record, "TimeGenerated").isNull(), F.concat(F.lit("/tenants/"), F.lower(word(record, *_TENANTS)))
    )


def resource_type(resource: Column) -> Column:
    """The first type in an id that names a provider: microsoft.web/sites; of a directory, the provider alone."""
    found = F.regexp_extract(resource, r"/providers/([^/]+(?:/[^/]+)?)", 1)
    return F.nullif(found, F.lit(""))


def _region(record: Column, resource: Column) -> Column:
    """By its short name: `West Europe` is `westeurope`. Of a sign-in, it is the user's country, which is none."""
    of_user, name = F.startswith(resource, F.lit("/tenants/")), F.lower(word(record, *_REGIONS))
    is_name = F.rlike(name, F.lit(r"^[a-z][a-z0-9 ()_-]{1,49}$"))
    return F.when(~of_user & is_name, F.replace(name, F.lit(" "), F.lit("")))


def place_taken(record: Column, resource: Column) -> dict[tuple[str, ...], Column]:
    """The members that the columns of `place` are made of, for `left_over`."""
    region = F.when(_region(record, resource).isNotNull(), word(record, *_REGIONS))
    subscription = word(record, *_SUBSCRIPTIONS)
    is_another = F.startswith(resource, _subscription(F.lit(""))) & ~F.startswith(resource, _subscription(subscription))
    return {
        RESOURCE_IDS: word(record, *RESOURCE_IDS),
        _REGIONS: region,
        _SUBSCRIPTIONS: F.when(~is_another, subscription),
    }


def _subscription(id_: Column) -> Column:
    return F.concat(F.lit("/subscriptions/"), F.lower(id_))


def time_of(record: Column) -> Column:
    return to_time_of_any_format(kept(word(record, *TIMES)))


def has(record: Column, *names: str) -> Column:
    """Whether there is any of these members."""
    return member(record, *names).isNotNull()
