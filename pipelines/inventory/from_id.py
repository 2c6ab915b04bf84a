"""What a resource's id tells: of an Azure resource id, an ARN, or an id that decoders build of what they have.

https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_MACHINE = r"/providers/microsoft\.(compute/virtualmachines|hybridcompute/machines)/[^/]+$"


def is_azure(resource: Column) -> Column:
    return F.startswith(resource, F.lit("/subscriptions/"))


def is_arn(resource: Column) -> Column:
    return F.startswith(resource, F.lit("arn:"))


def is_built(resource: Column) -> Column:
    """`aws:account:region:…`, of what has no ARN (`aws.resource_ids.unnamed`)."""
    return F.startswith(resource, F.lit("aws:"))


def constants(resource: Column) -> dict[str, Column]:
    """Fact → what the id says of it, whatever anybody else says; null if it says nothing."""
    azure, arn, built = is_azure(resource), is_arn(resource), is_built(resource)
    azure_type = F.nullif(F.regexp_extract(resource, r"/providers/([^/]+/[^/]+)", 1), F.lit(""))
    group = F.nullif(F.regexp_extract(resource, r"^/subscriptions/[^/]+/resourcegroups/([^/]+)", 1), F.lit(""))
    account = F.when(arn, _field(resource, 5)).when(built, _field(resource, 2))
    region = F.when(arn, _field(resource, 4)).when(built, _field(resource, 3))
    return {
        "cloud_provider": F.when(azure, "azure").when(arn | built, "aws"),
        "cloud_account_id": F.when(azure, F.split_part(resource, F.lit("/"), F.lit(3))).otherwise(account),
        "resource_group": F.when(azure, group),
        "cloud_region": region,
        "resource_type": F.when(azure, azure_type).when(arn, _arn_type(resource)),
    }


def name(resource: Column) -> Column:
    """What people call it, as long as nobody tells another name; an id that is not built of parts is a name itself."""
    last = F.substring_index(F.substring_index(resource, "/", -1), ":", -1)
    is_path = is_azure(resource) | is_arn(resource) | F.startswith(resource, F.lit("k8s://"))
    return F.when(is_path, last).when(~is_built(resource), resource)


def host(resource: Column) -> Column:
    """The name of a machine that its id tells: the last part, or a scrape target or host name without its port."""
    is_machine = F.rlike(resource, F.lit(_MACHINE)) | F.contains(resource, F.lit(":instance/"))
    is_plain = ~F.contains(resource, F.lit("/")) & ~is_arn(resource) & ~is_built(resource)
    return F.when(is_machine, name(resource)).when(is_plain, F.substring_index(resource, ":", 1))


def is_machine(resource: Column) -> Column:
    """Whether the id is of one machine or, as an id of no cloud, may be."""
    in_cloud = is_azure(resource) | is_arn(resource)
    return ~in_cloud | host(resource).isNotNull()


def _arn_type(resource: Column) -> Column:
    """`ec2:instance`, `s3`: as AWS's tagging API names types."""
    service, rest = F.split_part(resource, F.lit(":"), F.lit(3)), F.regexp_extract(resource, r"^(?:[^:]*:){5}(.*)$", 1)
    kind = F.nullif(F.regexp_extract(rest, r"^([a-z][a-z0-9-]*)[/:]", 1), F.lit(""))
    return F.concat_ws(":", service, F.when(service != "s3", kind))


def _field(resource: Column, place: int) -> Column:
    return F.nullif(F.split_part(resource, F.lit(":"), F.lit(place)), F.lit(""))
