"""What a charge is for, as its details, meter or description name it: an instance type, or an address nobody uses.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html,
https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# `c5.2xlarge`, `db.r6g.large`, `u-6tb1.metal`
_AWS = (
    r"\b((?:(?:db|cache)\.)?[a-z][a-z0-9-]*[0-9][a-z0-9-]*\."
    r"(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9]+xl)?))\b"
)
_AZURE = r"(Standard_[A-Z][A-Za-z0-9]*[0-9][A-Za-z0-9_-]*)"
# `D2s v3`, of meters of virtual machines; `D2 v3/D2s v3` is either
_AZURE_METER = r"^([A-Z]+[0-9]+[a-z]*(?: v[0-9]+)?)(?:/.*| Spot| Low Priority)?$"
_AZURE_MACHINES = "Virtual Machines"
# What AWS says of public addresses that it charges for although nothing has them.
_IDLE_ADDRESS = r"(?i)idle public ipv4|idleaddress|elastic ip address not attached"
_ATTRIBUTES = ("product_instance_type", "line_item_usage_type", "AdditionalInfo", "additionalInfo", "x_InstanceType")


def instance_type() -> Column:
    """Of rows of silver.costs; null where nothing tells it."""
    said = _said()
    meter = F.regexp_extract("SkuMeter", _AZURE_METER, 1)
    by_meter = F.when(
        (F.col("ServiceName") == _AZURE_MACHINES) & (meter != ""),
        F.concat(F.lit("Standard_"), F.replace(meter, F.lit(" "), F.lit("_"))),
    )
    return F.coalesce(_found(said, _AZURE), by_meter, _found(said, _AWS))


def is_idle_address() -> Column:
    return F.rlike(_said(), F.lit(_IDLE_ADDRESS))


def _said() -> Column:
    attributes = (F.col("attributes")[name] for name in _ATTRIBUTES)
    return F.concat_ws(" ", "SkuPriceDetails", *attributes, "SkuMeter", "ChargeDescription")


def _found(text: Column, pattern: str) -> Column:
    return F.nullif(F.regexp_extract(text, pattern, 1), F.lit(""))
