"""Statements → facts that hold: in one spelling, without what the id tells already, and only of what they can be told.

Many rows name a host or a region that is not their resource's: replicas of a service, instances of a web site, calls of
a global API. Such a fact would change with every row, and each change would be a version; so it is none.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.inventory.columns import FACTS
from pipelines.inventory.from_id import constants, host, is_arn, is_azure, is_machine
from pipelines.inventory.statements import ENTRIES

# Before the key of a tag where facts and tags are in one map.
TAG = "tags."
_OF_A_MACHINE = ("host_name", "os_type", "os_name", "os_version")
_OF_A_PLACE = ("cloud_region", "cloud_availability_zone", "cloud_account_id", "k8s_cluster_name", "k8s_namespace_name")


def with_facts(statements: DataFrame) -> DataFrame:
    """FACTS and `tags` become `facts`: entries by fact and `tags.<key>`, sorted. Only a change has null values."""
    resource = F.col("resource_id")
    held = {name: F.when(constant.isNull(), F.col(name)) for name, constant in constants(resource).items()}
    can = {name: F.coalesce(held.get(name, F.col(name)), F.lit("")) for name in FACTS}
    # A service as a whole has no machine and no place: its replicas are in many.
    is_spread = F.coalesce(F.col("resource_type") == "service", F.expr("false"))
    kinds = F.coalesce(F.col("resource_type"), F.lit(""))
    for name in _OF_A_MACHINE:
        can[name] = F.when(is_machine(resource) & ~is_spread, can[name])
    for name in _OF_A_PLACE:
        can[name] = F.when(~is_spread, can[name])
    for name in ("cloud_region", "cloud_account_id"):
        # Of an id without a region, a bill tells it; an API call has that of the endpoint.
        can[name] = F.when(~_is_global(resource) | (F.col("source") == "focus"), can[name])
    can["cloud_region"] = F.when(
        is_azure(resource) | (F.col("cloud_provider") == "azure"),
        F.replace(F.lower(can["cloud_region"]), F.lit(" "), F.lit("")),
    ).otherwise(can["cloud_region"])
    can["host_name"] = F.nullif(F.lower(can["host_name"]), F.coalesce(F.lower(host(resource)), F.lit("")))
    can["os_type"] = F.lower(can["os_type"])
    can["resource_type"] = _of_one_kind(can["resource_type"], kinds)
    entries = [F.struct(F.lit(name).alias("key"), F.nullif(can[name], F.lit("")).alias("value")) for name in FACTS]
    own = F.filter(F.array(*entries), lambda entry: entry["value"].isNotNull())
    tags = F.transform(
        "tags", lambda tag: F.struct(F.concat(F.lit(TAG), tag["key"]).alias("key"), tag["value"].alias("value"))
    )
    facts = F.sort_array(F.concat(own, F.coalesce(tags, F.array().cast(ENTRIES)))).cast(ENTRIES)
    return statements.withColumn("facts", facts).drop(*FACTS, "tags")


def _is_global(resource: Column) -> Column:
    """Whether an id has a place for a region and leaves it empty, or is of a whole subscription."""
    no_region = is_arn(resource) & (F.split_part(resource, F.lit(":"), F.lit(4)) == "")
    return no_region | (is_azure(resource) & ~F.contains(resource, F.lit("/providers/")))


def _of_one_kind(kind: Column, said: Column) -> Column:
    """Container Insights has several documents of one thing: PodNet and Container are of a pod, NodeFS of a node."""
    return (
        F.when(F.rlike(said, F.lit("^ContainerInsights/(Pod|Container)")), "ContainerInsights/Pod")
        .when(F.rlike(said, F.lit("^ContainerInsights/(Node|Instance)")), "ContainerInsights/Node")
        .otherwise(kind)
    )


def facts_of(versions: DataFrame) -> Column:
    """Rows of silver.inventory → their `facts` as a map: what was told, and not what follows from the id."""
    told = F.flatten(F.transform(F.map_values("told"), lambda one: F.map_keys(one["facts"])))
    columns = F.create_map(*(part for name in FACTS for part in (F.lit(name), F.col(name))))
    own = F.map_filter(columns, lambda name, value: value.isNotNull() & F.array_contains(told, name))
    tags = F.transform_keys(
        F.coalesce("tags", F.create_map().cast("map<string,string>")), lambda key, _: F.concat(F.lit(TAG), key)
    )
    return F.map_concat(own, tags)
