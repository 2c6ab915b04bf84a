"""Rows of silver.events → the tags that somebody just set or removed, and of which resources.

CloudTrail: CreateTags and DeleteTags of EC2, RunInstances, TagResource, UntagResource and what services call the same:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
EventBridge: https://docs.aws.amazon.com/tag-editor/latest/userguide/monitor-tagging-changes.html
Azure: https://learn.microsoft.com/rest/api/resources/tags/update-at-scope, and any write whose body has tags.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import arn, only_arn
from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.variant import elements, member, members, parse_relaxed, parse_whole, word

_TAGS = "map<string,string>"
# EC2 names resources by ids whose prefix tells the type.
_EC2_TYPES = {
    "i": "instance", "vol": "volume", "eni": "network-interface", "sg": "security-group", "subnet": "subnet",
    "vpc": "vpc", "snap": "snapshot", "ami": "image", "eipalloc": "elastic-ip", "rtb": "route-table",
    "igw": "internet-gateway", "nat": "natgateway", "lt": "launch-template", "acl": "network-acl",
}  # fmt: skip
_SETS = ("CreateTags", "TagResource", "TagResources", "AddTags", "AddTagsToResource", "AddTagsToStream", "RunInstances")
_REMOVES = ("DeleteTags", "UntagResource", "UntagResources", "RemoveTags", "RemoveTagsFromResource")
_ARNS = ("resourceArn", "ResourceArn", "resourceARN", "ResourceARN", "arn", "resource", "resourceName", "keyId")
_ARN_LISTS = ("resourceArns", "resourceARNList", "ResourceARNList", "resourceIdList")
_AZURE_SUFFIX = r"/providers/microsoft\.resources/tags/default$"


def change(resource: Column, tags: Column, *, is_change: Column) -> Column:
    return F.struct(resource.alias("resource_id"), is_change.alias("is_change"), tags.cast(_TAGS).alias("tags"))


def changes() -> Column:
    """array<struct<resource_id, is_change, tags>> of a row of silver.events; empty if it is about something else."""
    succeeded = F.coalesce(F.col("outcome"), F.lit("success")) == "success"
    source = F.col("source")
    said = (
        F.when(source == "aws.cloudtrail", F.when(F.col("action").isin(*_SETS, *_REMOVES), _by_cloudtrail()))
        .when(source == "aws.eventbridge", F.when(F.col("action") == "Tag Change on Resource", _by_eventbridge()))
        .when(
            F.startswith(source, F.lit("azure.")), F.when(F.endswith(F.lower("action"), F.lit("/write")), _by_azure())
        )
    )
    found = F.filter(F.when(succeeded, said), lambda one: one["resource_id"].isNotNull() & (F.size(one["tags"]) > 0))
    return F.coalesce(
        found, F.array().cast("array<struct<resource_id: string, is_change: boolean, tags: map<string,string>>>")
    )


def _all_of(ids: Column, tags: Column) -> Column:
    return once(tags, lambda tags: F.transform(ids, lambda one: change(one, tags, is_change=F.expr("true"))))


def _by_cloudtrail() -> Column:
    def read(asked: Column) -> Column:
        return _all_of(_targets(asked), _tags_of(asked))

    return once(parse_whole(F.col("attributes")["requestParameters"]), read)


def _targets(asked: Column) -> Column:
    """The ids of all resources that a call names."""
    launched = elements(parse_whole(F.col("attributes")["responseElements"]), "instancesSet.items")
    in_ec2 = [
        F.transform(elements(asked, "resourcesSet.items"), lambda item: word(item, "resourceId")),
        F.transform(launched, lambda item: word(item, "instanceId")),
    ]
    listed = F.transform(elements(asked, *_ARN_LISTS), lambda one: F.try_variant_get(one, "$", "string"))
    only = F.array(only_arn(word(asked, *_ARNS)))
    ids = F.coalesce(*(F.transform(found, _ec2_arn) for found in in_ec2), listed, only)
    return F.filter(F.array_distinct(ids), lambda one: one.isNotNull())


def _ec2_arn(id_: Column) -> Column:
    region, account = F.col("cloud_region"), F.col("cloud_account_id")
    pairs = [F.lit(text) for pair in _EC2_TYPES.items() for text in pair]
    kind = F.create_map(*pairs)[F.substring_index(id_, "-", 1)]
    return arn("ec2", region, account, F.concat(kind, F.lit("/"), id_))


def _tags_of(asked: Column) -> Column:
    """Tags come as a list of keys and values, or as an object; those to be removed as a list of keys as well."""
    is_removed = F.col("action").isin(*_REMOVES)
    pairs = F.coalesce(
        elements(asked, "tagSet.items", "tags", "Tags"),
        F.flatten(F.transform(elements(asked, "tagSpecificationSet.items"), lambda one: elements(one, "tags"))),
    )
    entries = F.transform(
        pairs,
        lambda one: _entry(
            word(one, "key", "Key", "tagKey"), F.coalesce(word(one, "value", "Value", "tagValue"), F.lit(""))
        ),
    )
    keys = F.transform(elements(asked, "tagKeys", "TagKeys"), lambda one: F.try_variant_get(one, "$", "string"))
    named = F.transform(keys, lambda key: _entry(key, F.lit("")))
    found = F.coalesce(entries, named, F.map_entries(members(asked, "tags", "Tags")))
    with_key = F.filter(found, lambda entry: entry["key"].isNotNull())
    set_ = F.map_from_entries(with_key)
    return F.when(is_removed, F.transform_values(set_, lambda _, __: F.lit(None).cast("string"))).otherwise(set_)


def _entry(key: Column, value: Column) -> Column:
    return F.struct(key.alias("key"), value.alias("value"))


def _by_eventbridge() -> Column:
    """All tags as they are now, and the keys that changed: one that is not among the tags has been removed."""
    tags = members(parse_whole(F.col("attributes")["detail.tags"]))
    changed = F.from_json(F.col("attributes")["detail.changed-tag-keys"], "array<string>")
    none = F.transform(changed, lambda key: _entry(key, F.lit(None).cast("string")))
    empty = F.create_map().cast(_TAGS)
    all_ = F.map_concat(F.coalesce(F.map_from_entries(none), empty), F.coalesce(tags, empty))
    return F.array(change(F.col("resource_id"), all_, is_change=F.expr("true")))


def _by_azure() -> Column:
    """Of tags alone: Merge and Delete name some, Replace all. The body of another write states the resource's tags."""
    resource = F.regexp_replace("resource_id", _AZURE_SUFFIX, "")
    is_tags = F.lower("action") == "microsoft.resources/tags/write"

    def read(body: Column) -> Column:
        operation = F.lower(word(body, "operation"))
        said = F.coalesce(members(body, "properties.tags"), members(body, "tags"))
        removed = F.transform_values(said, lambda _, __: F.lit(None).cast("string"))
        is_part = F.coalesce(is_tags & operation.isin("merge", "delete"), F.expr("false"))
        return F.array(change(resource, F.when(operation == "delete", removed).otherwise(said), is_change=is_part))

    def bodies(details: Column) -> Column:
        body = word(details, "requestbody", "requestBody", "responseBody", "responsebody")
        return once(F.coalesce(parse_whole(body), member(details, "requestbody", "responseBody")), read)

    return once(parse_relaxed(F.col("attributes")["properties"]), bodies)
