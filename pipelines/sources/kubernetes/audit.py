"""The audit log of a Kubernetes API server, as its webhook backend or a shipper of its file sends it.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/. An event is a line of a log, as AKS and EKS
have it: its JSON is the message.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import variant_get
from pipelines.sources.reading.variant import elements, pairs, text, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log

_CLUSTERS = ("clusterName", "cluster", "cluster_name")


def claims(record: Column, topic: Column) -> Column:
    """An event, or the list of them that a webhook is sent."""
    is_audit = F.startswith(word(record, "apiVersion"), F.lit("audit.k8s.io/"))
    return F.coalesce(is_audit & word(record, "kind").isin("Event", "EventList"), F.lit(0) == 1)


def events_of(record: Column) -> Column:
    one = F.array(variant_get(record, "$", "variant"))
    return F.when(word(record, "kind") == "EventList", elements(record, "items")).otherwise(one)


def decode(record: Column, part: Column, topic: Column) -> Log:
    cluster = F.coalesce(word(part, *_CLUSTERS), word(record, *_CLUSTERS))
    # The events of a list need not repeat of what version they are.
    line = F.to_json(part)
    is_told = F.contains(line, F.lit("audit.k8s.io"))
    whole = F.when(is_told, line).otherwise(
        F.concat(F.lit('{"apiVersion":"'), word(record, "apiVersion"), F.lit('",'), F.substring(line, 2, 2**31 - 1))
    )
    return Log(
        source=F.lit("kubernetes.audit"),
        native_id=word(part, "auditID"),
        event_time=time(part, "stageTimestamp", "requestReceivedTimestamp", "timestamp"),
        resource_id=F.concat(F.lit("k8s://"), F.coalesce(cluster, F.lit("")), F.lit("/audit")),
        resource_type=F.lit("kubernetes/cluster"),
        logger=F.lit("kube-audit"),
        message=whole,
        attributes=pairs(stage=word(part, "stage"), level=text(part, "level"), cluster=cluster),
        ignored=F.when(
            (word(record, "kind") == "EventList") & (F.size(elements(record, "items")) == 0), "empty_records"
        ),
    )


FAMILIES = (RecordFamily("kubernetes.audit", claims, Log, decode, parts=events_of),)
