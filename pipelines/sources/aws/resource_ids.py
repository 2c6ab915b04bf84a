"""Amazon Resource Names and regions: what is built of an id, and what one tells.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_REGION = r"^([a-z]{2}(?:-[a-z]+)+-\d+)"


def arn(service: str, region: Column, account: Column, resource: Column) -> Column:
    """Null if one of the columns is null."""
    return F.concat(
        F.lit("arn:"), _partition(region), F.lit(f":{service}:"), region, F.lit(":"), account, F.lit(":"), resource
    )


def instance_arn(region: Column, account: Column, instance: Column) -> Column:
    return arn("ec2", region, account, F.concat(F.lit("instance/"), instance))


def only_arn(text: Column) -> Column:
    """The text if it is an ARN."""
    return F.when(F.startswith(text, F.lit("arn:")), text)


def region_of_arn(text: Column) -> Column:
    """Some events have the zone in its place: `arn:aws:ec2:us-east-1b:instance/i-1`."""
    return region_in(_field(text, 4))


def account_of_arn(text: Column) -> Column:
    account = _field(text, 5)
    return F.when(F.rlike(account, F.lit(r"^\d{12}$")), account)


def region_in(text: Column) -> Column:
    """The region at the beginning of a region's or a zone's name: us-east-1b → us-east-1."""
    return F.nullif(F.regexp_extract(text, _REGION, 1), F.lit(""))


def region_of_host(name: Column) -> Column:
    """Private host names tell it: ip-10-0-0-1.eu-west-1.compute.internal; us-east-1 has one of its own."""
    east = F.when(F.endswith(name, F.lit(".ec2.internal")), "us-east-1")
    zone = F.when(
        F.endswith(name, F.lit(".compute.internal")), F.substring_index(F.substring_index(name, ".", 2), ".", -1)
    )
    return F.coalesce(east, region_in(zone))


def unnamed(account: Column, region: Column, *rest: Column) -> Column:
    """What identifies a thing without an ARN, as of metrics: `aws:account:region:…`; null if there is no more of it."""
    known = F.concat_ws(":", *rest)
    return F.when(known != "", F.concat_ws(":", F.lit("aws"), _or_none(account), _or_none(region), known))


def _or_none(column: Column) -> Column:
    return F.coalesce(column, F.lit(""))


def _partition(region: Column) -> Column:
    return (
        F.when(F.startswith(region, F.lit("cn-")), "aws-cn")
        .when(F.startswith(region, F.lit("us-gov-")), "aws-us-gov")
        .otherwise("aws")
    )


def _field(text: Column, place: int) -> Column:
    """A field of an ARN, counted from 1."""
    return F.substring_index(F.substring_index(only_arn(text), ":", place), ":", -1)
