"""Which signals belong together: first of one machine by pauses, then of machines of one group by when they begin.

A group is a service of an account (see `resource_facts`), else a Kubernetes cluster, else the machine itself.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.daily import DAY
from pipelines.gold.incidents.options import IncidentOptions
from pipelines.gold.resource_facts import with_facts
from pipelines.inventory.from_id import constants, host

_AZURE_GROUP = r"^(/subscriptions/[^/]+/resourcegroups/[^/]+)"


def with_topology(signals: DataFrame, inventory: DataFrame) -> DataFrame:
    """Signals with the facts of their resource, `unit` (the machine, else the resource), `group`, and `keys`.

    keys: all that says that two resources have to do with each other: unit, group, resource group, cluster.
    """
    known = with_facts(signals.withColumn(DAY, F.to_date("at")), inventory)
    resource = F.col("resource_id")
    account = F.coalesce("cloud_account_id", constants(resource)["cloud_account_id"])
    unit = F.coalesce(F.lower(F.coalesce("host_name", host(resource))), resource)
    service = F.concat(F.lit("service "), F.coalesce(account, F.lit("")), F.lit(" "), F.col("service"))
    cluster = F.concat(F.lit("cluster "), F.col("k8s_cluster_name"))
    azure_group = F.nullif(F.regexp_extract(resource, _AZURE_GROUP, 1), F.lit(""))
    return known.withColumns({"cloud_account_id": account, "unit": unit}).withColumns(
        {
            "group": F.coalesce(service, cluster, azure_group, F.col("unit")),
            "keys": F.array_distinct(F.array_compact(F.array(F.col("unit"), service, cluster, azure_group))),
        }
    )


def with_incident(symptoms: DataFrame, options: IncidentOptions) -> DataFrame:
    """Symptoms with topology → those that belong to an incident, with `incident_id`.

    A symptom that lasts (until is null) holds its machine's trouble open. Weak symptoms (not `opens`) belong to an
    incident if something else opens it, and may so be its first.
    """
    far = F.lit("9999-12-31").cast("timestamp")
    until = F.coalesce("until", far)
    of_unit = Window.partitionBy("unit").orderBy("at", "resource_id", "kind", "what")
    ended = F.max(until).over(of_unit.rowsBetween(Window.unboundedPreceding, -1))
    begins = F.coalesce(F.unix_micros("at") - F.unix_micros(ended) > _micros(options.pause), F.expr("true"))
    troubled = symptoms.withColumn("trouble", F.sum(begins.cast("int")).over(of_unit))
    troubles = (
        troubled.groupBy("unit", "trouble")
        .agg(F.min("at").alias("start"), F.max("opens").alias("opens"), F.min_by("group", "at").alias("of_group"))
        .where("opens")
    )
    of_group = Window.partitionBy("of_group").orderBy("start", "unit")
    start = F.unix_micros("start")
    is_apart = F.coalesce(start - F.lag(start).over(of_group) > _micros(options.together), F.expr("true"))
    chained = troubles.withColumn("chain", F.sum(is_apart.cast("int")).over(of_group))
    first = F.min(start).over(Window.partitionBy("of_group", "chain"))
    spread = chained.withColumn("part", F.floor((start - first) / _micros(options.most_spread)))
    one = Window.partitionBy("of_group", "chain", "part")
    first_unit = F.min_by("unit", F.struct("start", "unit")).over(one)
    identity = F.md5(F.concat_ws("|", "of_group", first_unit, F.min(start).over(one)))
    return troubled.join(
        spread.select("unit", "trouble", identity.alias("incident_id"), "of_group"), ["unit", "trouble"]
    ).drop("trouble")


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
