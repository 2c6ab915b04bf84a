"""Which resource a call that CloudTrail recorded is about: it may list it, name it in the request, or neither."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import arn, instance_arn, only_arn, unnamed
from pipelines.sources.reading.variant import elements, word


def resource_id(trail: Column, region: Column, account: Column) -> Column:
    """An ARN, or, of a call of which none can be told, the service that was called."""
    service = word(trail, "eventSource", "insightDetails.eventSource")
    return F.coalesce(_arn_of(_listed(trail)), *_built_arns(trail, region, account), unnamed(account, region, service))


def resource_type(trail: Column) -> Column:
    return word(_listed(trail), "type", "resourceType")


def instance(trail: Column) -> Column:
    """The EC2 instance that a call is about, if it is about one only."""
    listed = [elements(trail, f"{side}.instancesSet.items") for side in ("requestParameters", "responseElements")]
    only = [F.when(F.size(items) == 1, word(F.get(items, 0), "instanceId")) for items in listed]
    named = F.coalesce(word(trail, "requestParameters.instanceId"), *only)
    return F.when((word(trail, "eventSource") == "ec2.amazonaws.com") & F.startswith(named, F.lit("i-")), named)


def _listed(trail: Column) -> Column:
    return F.get(F.filter(elements(trail, "resources"), lambda one: _arn_of(one).isNotNull()), 0)


def _arn_of(resource: Column) -> Column:
    return word(resource, "ARN", "arn", "ARNPrefix")


def _built_arns(trail: Column, region: Column, account: Column) -> tuple[Column, ...]:
    """Of the kinds whose ARN follows from the name alone."""

    def named(service: str, *members: str) -> Column:
        return F.when(word(trail, "eventSource") == f"{service}.amazonaws.com", word(trail, *members))

    bucket = named("s3", "requestParameters.bucketName")
    database = named("rds", "requestParameters.dBInstanceIdentifier")
    function = named("lambda", "requestParameters.functionName")
    volume = named("ec2", "requestParameters.volumeId", "responseElements.volumeId")
    return (
        instance_arn(region, account, instance(trail)),
        F.concat(F.lit("arn:aws:s3:::"), bucket),
        arn("rds", region, account, F.concat(F.lit("db:"), database)),
        only_arn(function),
        arn("lambda", region, account, F.concat(F.lit("function:"), function)),
        arn("ec2", region, account, F.concat(F.lit("volume/"), volume)),
    )
