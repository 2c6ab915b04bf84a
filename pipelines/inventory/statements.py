"""Rows of the silver tables → what each says of its resource: plain columns, as there are many rows and few statements.

A statement has resource_id, event_time, kafka_timestamp, source, is_change, FACTS and `tags` (entries by key). A row
states what holds; one with is_change says what somebody just did: it changes the tags that it names, to nothing if
their value is null.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.inventory import tag_changes
from pipelines.inventory.columns import FACTS
from pipelines.sources.aws.resource_ids import instance_arn

ENTRIES = "array<struct<key: string, value: string>>"
STATED = ("source", "is_change", *FACTS, "tags")
# Attributes of OTLP resources that are tags or labels: https://opentelemetry.io/docs/specs/semconv/resource/k8s/
_LABELS = r"^(?:ec2\.tag|azure\.tags?|k8s\.pod\.labels?)\."


def statements_of(rows: DataFrame, table: str) -> DataFrame:
    """`rows` are of silver.`table`, any of `columns.TOLD_BY`."""
    own = {name: F.col(name) for name in FACTS if name in rows.columns}
    stated = _TABLES[table](own)
    tags = stated.pop("tags", F.lit(None).cast("map<string,string>"))
    said = _said(table, tags)
    about = rows.select("*", F.explode(said).alias("said")) if said is not None else rows
    is_change = F.col("said.is_change") if said is not None else F.expr("false")
    facts = {name: stated.get(name, F.lit(None)).cast("string") for name in FACTS}
    return about.select(
        (F.col("said.resource_id") if said is not None else F.col("resource_id")).alias("resource_id"),
        "event_time",
        "kafka_timestamp",
        "source",
        is_change.alias("is_change"),
        *((F.when(~is_change, fact) if said is not None else fact).alias(name) for name, fact in facts.items()),
        _entries(F.col("said.tags") if said is not None else tags).alias("tags"),
    ).where(F.col("resource_id").isNotNull() & F.col("event_time").isNotNull())


def _entries(tags: Column) -> Column:
    """Unlike a map, they can be compared and grouped by."""
    return F.when(F.size(tags) > 0, F.sort_array(F.map_entries(tags))).cast(ENTRIES)


def _said(table: str, tags: Column) -> Column | None:
    """array<struct<resource_id, is_change, tags>> where a row may speak of several resources."""
    nothing = F.lit(None).cast("map<string,string>")
    if table == "events":
        own = tag_changes.change(F.col("resource_id"), nothing, is_change=F.expr("false"))
        return F.concat(F.array(own), tag_changes.changes())
    if table == "costs":
        # Reports of AWS name an instance by its bare id; all else by its ARN.
        is_instance = (F.col("cloud_provider") == "aws") & F.rlike("resource_id", F.lit(r"^i-[0-9a-f]+$"))
        arn = F.when(is_instance, instance_arn(F.col("cloud_region"), F.col("cloud_account_id"), F.col("resource_id")))
        ids = F.array_compact(F.array("resource_id", arn))
        return F.transform(ids, lambda one: tag_changes.change(one, tags, is_change=F.expr("false")))
    return None


def _attribute(name: str) -> Column:
    return F.nullif(F.col("attributes")[name], F.lit(""))


def _of_otlp(own: dict[str, Column]) -> dict[str, Column]:
    """Attributes of the resource, for rows of OTLP; a look at the others' would cost time for nothing."""
    is_otlp = F.startswith("source", F.lit("otlp."))
    named = {
        "resource_group": "azure.resourcegroup.name",
        "cloud_availability_zone": "cloud.availability_zone",
        "os_type": "os.type",
        "os_name": "os.name",
        "os_version": "os.version",
        "k8s_cluster_name": "k8s.cluster.name",
        "k8s_namespace_name": "k8s.namespace.name",
    }
    labels = F.map_filter("attributes", lambda key, _: F.rlike(key, F.lit(_LABELS)))
    tags = F.transform_keys(labels, lambda key, _: F.regexp_replace(key, _LABELS, ""))
    return (
        own
        | {name: F.when(is_otlp, _attribute(said)) for name, said in named.items()}
        | {"tags": F.when(is_otlp, tags)}
    )


def _of_metrics(own: dict[str, Column]) -> dict[str, Column]:
    stated = _of_otlp(own)
    is_insights = F.col("source") == "aws.container_insights"
    pod = F.from_json(F.when(is_insights, _attribute("kubernetes")), "labels map<string,string>, namespace_name string")
    # An exporter of the whole cluster's state has the node in its labels that a series is about.
    is_cluster_state = F.startswith("metric", F.lit("kube_"))
    return stated | {
        "host_name": F.when(~is_cluster_state, own["host_name"]),
        "k8s_cluster_name": F.coalesce(
            stated["k8s_cluster_name"], F.when(is_insights, F.col("dimensions")["ClusterName"])
        ),
        "k8s_namespace_name": F.coalesce(
            stated["k8s_namespace_name"],
            F.when(is_insights, F.coalesce(F.col("dimensions")["Namespace"], pod["namespace_name"])),
        ),
        "tags": F.coalesce(stated["tags"], pod["labels"]),
    }


def _of_heartbeats(own: dict[str, Column]) -> dict[str, Column]:
    subscription = F.lower(_attribute("SubscriptionId"))
    return own | {
        "cloud_provider": F.coalesce(own["cloud_provider"], F.when(subscription.isNotNull(), "azure")),
        "cloud_account_id": F.coalesce(own["cloud_account_id"], subscription),
        "resource_group": F.lower(_attribute("ResourceGroup")),
    }


def _of_costs(own: dict[str, Column]) -> dict[str, Column]:
    return own | {
        "cloud_account_name": F.col("SubAccountName"),
        "cloud_availability_zone": F.col("AvailabilityZone"),
        "resource_name": F.col("ResourceName"),
        "tags": F.col("Tags"),
    }


def _as_they_are(own: dict[str, Column]) -> dict[str, Column]:
    return dict(own)


_TABLES: dict[str, Callable[[dict[str, Column]], dict[str, Column]]] = {
    "metrics": _of_metrics,
    "heartbeats": _of_heartbeats,
    "logs": _of_otlp,
    "events": _as_they_are,
    "configuration_items": _as_they_are,
    "config_changes": _as_they_are,
    "costs": _of_costs,
}
