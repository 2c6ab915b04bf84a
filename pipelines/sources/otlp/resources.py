"""Which resource OTLP is about: its identity, its cloud and host, and the part of it that a series belongs to.

https://opentelemetry.io/docs/specs/semconv/resource/
"""

from __future__ import annotations

from typing import TypedDict

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import account_of_arn, instance_arn, only_arn, region_of_arn
from pipelines.sources.reading.variant import none_if_empty

# What OpenTelemetry prescribes for a service that was given no name.
_NAMELESS = "unknown_service"
# A cloud's own full name of the resource; the later ones are of older conventions.
_FULL_NAMES = ("cloud.resource_id", "azure.resource_id", "aws.ecs.container.arn", "aws.ecs.task.arn", "faas.id")
_UIDS = (
    "container.id", "k8s.pod.uid", "k8s.deployment.uid", "k8s.statefulset.uid", "k8s.daemonset.uid",
    "k8s.replicaset.uid", "k8s.replicationcontroller.uid", "k8s.job.uid", "k8s.cronjob.uid", "k8s.hpa.uid",
    "k8s.resourcequota.uid", "k8s.node.uid", "k8s.namespace.uid",
)  # fmt: skip
_HOSTS = ("host.id", "host.name", "k8s.node.name")
# Attributes that describe the resource. Any other tells one series from another within it, such as a process or table.
_DESCRIPTIVE = (
    r"^(service|telemetry|cloud|host|os|deployment|aws|azure|gcp|faas|webengine|device|heroku|process|net|http|server"
    r"|url|container|k8s|openshift|otel|resource)[.]"
)
_OF_A_PART = (
    "process.pid", "container.name", "k8s.container.name", "k8s.volume.name", "server.address", "server.port",
)  # fmt: skip


def resource_id(resource: Column) -> Column:
    """Attributes of a resource → what identifies it.

    The narrowest identity first: a cloud's full name is unique everywhere; an instance of a service, with the service's
    name as the convention has it; a container, pod or other object of Kubernetes by its uid; the host; the service as
    a whole. Without any of those, all that it says of itself.
    """
    full_name, host = _first(resource, _FULL_NAMES), resource["host.id"]
    service = (_word(resource["service.namespace"]), _word(resource["service.name"]))
    instance, pod = _word(resource["service.instance.id"]), _word(resource["k8s.pod.name"])
    ec2 = instance_arn(resource["cloud.region"], resource["cloud.account.id"], host)
    entries = F.sort_array(F.map_entries(resource))
    everything = F.array_join(F.transform(entries, lambda entry: F.concat_ws("=", entry["key"], entry["value"])), ",")
    return F.coalesce(
        F.when(F.startswith(F.lower(full_name), F.lit("/subscriptions/")), F.lower(full_name)).otherwise(full_name),
        F.when(instance.isNotNull(), F.concat_ws("/", *service, instance)),
        _first(resource, _UIDS),
        F.when(pod.isNotNull(), F.concat_ws("/", resource["k8s.cluster.name"], resource["k8s.namespace.name"], pod)),
        F.when(F.startswith(host, F.lit("i-")), ec2),
        F.lower(_first(resource, _HOSTS)),
        _word(F.concat_ws("/", *service)),
        _word(everything),
        F.lit(_NAMELESS),
    )


def resource_type(resource: Column) -> Column:
    """The kind of what `resource_id` names."""
    kinds = (
        (("service.instance.id",), "service.instance"),
        (("container.id",), "container"),
        (("k8s.pod.uid",), "k8s.pod"),
        (("host.id", "host.name", "k8s.node.name"), "host"),
        (("service.name",), "service"),
    )
    found = [F.when(_first(resource, names).isNotNull(), kind) for names, kind in kinds]
    return F.coalesce(resource["cloud.platform"], *found)


def host_name(resource: Column) -> Column:
    return F.lower(_first(resource, ("host.name", "k8s.node.name", "host.id")))


class Cloud(TypedDict):
    cloud_provider: Column
    cloud_account_id: Column
    cloud_region: Column


def cloud(resource: Column) -> Cloud:
    """Where the attributes do not say, an ARN does; an Azure resource id is read for all families alike."""
    arn = only_arn(_first(resource, _FULL_NAMES))
    return Cloud(
        cloud_provider=F.coalesce(F.lower(_word(resource["cloud.provider"])), F.when(arn.isNotNull(), "aws")),
        cloud_account_id=F.coalesce(_word(resource["cloud.account.id"]), account_of_arn(arn)),
        cloud_region=F.coalesce(_word(resource["cloud.region"]), region_of_arn(arn)),
    )


def part_of_resource(resource: Column) -> Column:
    """The attributes that tell one series from another within a resource, for dimensions."""
    return none_if_empty(
        F.map_filter(resource, lambda key, _: ~F.rlike(key, F.lit(_DESCRIPTIVE)) | key.isin(*_OF_A_PART))
    )


def _first(resource: Column, names: tuple[str, ...]) -> Column:
    return F.coalesce(*(_word(resource[name]) for name in names))


def _word(text: Column) -> Column:
    return F.nullif(text, F.lit(""))
