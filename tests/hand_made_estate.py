"""The small estate that gold is made of by hand: its machines, and when what happened to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOT = (datetime(2026, 3, 2, 10, 30, tzinfo=UTC), datetime(2026, 3, 2, 11, 10, tzinfo=UTC))
_VM = "/subscriptions/11/resourcegroups/shop/providers/microsoft.compute/virtualmachines/"
_EC2 = "arn:aws:ec2:eu-west-1:222:instance/i-"
Rows = list[dict[str, Any]]


def vm(name: str) -> str:
    return _VM + name


def ec2(name: str) -> str:
    return _EC2 + name


# name, id, provider, service, owner, state, downtime of the day
RESOURCES = (
    *((f"web-{n:02}", vm(f"web-{n:02}"), "azure", "shop", "web team", "healthy", 0.0) for n in (1, 2, 4, 5, 6)),
    ("web-03", vm("web-03"), "azure", "shop", "web team", "degraded", 0.0),
    ("db-01", ec2("01"), "aws", "orders", "data team", "unavailable", 5_400.0),
    ("db-02", ec2("02"), "aws", "orders", "data team", "healthy", 0.0),
    ("batch-01", ec2("03"), "aws", None, None, "unknown", 0.0),
)


def minutes(amount: float, since: datetime = NOW) -> datetime:
    return since + timedelta(minutes=amount)
