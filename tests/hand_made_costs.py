"""What the estate made by hand costs, and what it could save."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.hand_made_estate import NOW, Rows, ec2, vm


def cost_daily() -> Rows:
    """30 days; Compute costs 100 a day and 260 on 27 February, and a little is charged in euros."""
    told = (
        ("AWS", "Amazon Elastic Compute Cloud", "data team", 100.0, "USD"),
        ("AWS", "Amazon S3", "data team", 22.0, "USD"),
        ("Microsoft", "Virtual Machines", "web team", 80.0, "USD"), ("Microsoft", "Storage", None, 11.0, "USD"),
        ("AWS", "AWS Lambda", "web team", 6.0, "USD"), ("AWS", "Amazon SQS", "web team", 2.0, "USD"),
        ("Microsoft", "Key Vault", "web team", 1.0, "USD"), ("Microsoft", "Bandwidth", None, 3.0, "EUR"),
    )  # fmt: skip
    return [
        {
            "day": day, "cost_id": f"{day}{service}", "ProviderName": provider, "ServiceName": service, "owner": owner,
            "BillingPeriodStart": datetime(day.year, day.month, 1, tzinfo=UTC), "BillingCurrency": currency,
            "SubAccountName": f"{provider} production", "environment": "production", "charges": 24,
            "BilledCost": Decimal(str(cost)), "EffectiveCost": Decimal(str(cost)) + _dear(service, day),
        }
        for back in range(29, -1, -1)
        for day in [NOW.date() - timedelta(days=back)]
        for provider, service, owner, cost, currency in told
    ]  # fmt: skip


def _dear(service: str, day: date) -> Decimal:
    return Decimal(160 if (service, day) == ("Amazon Elastic Compute Cloud", date(2026, 2, 27)) else 0)


def cost_anomalies() -> Rows:
    return [
        {
            "day": day, "anomaly_id": str(day), "provider_name": "AWS", "billing_account_id": "222",
            "service_name": "Amazon Elastic Compute Cloud", "billing_currency": "USD", "expected_cost": 100.0,
            "effective_cost": Decimal(260 if is_dear else 100), "lower": 80.0, "upper": 120.0, "is_anomaly": is_dear,
            "excess_cost": 160.0 if is_dear else 0.0, "weeks_known": 8,
        }
        for day, is_dear in ((date(2026, 2, 27), True), (date(2026, 2, 28), False))
    ]  # fmt: skip


def savings() -> Rows:
    told = (
        (
            "terminate_idle",
            "batch-01",
            ec2("03"),
            None,
            310.4,
            310.4,
            True,
            ["CPU p95 is 1.2 %", "3 MB an hour of network"],
        ),
        ("schedule", "batch-01", ec2("03"), None, 310.4, 140.0, False, ["70 of 168 hours of the week are quiet"]),
        ("rightsize", "web-01", vm("web-01"), "Standard_D2s_v3", 140.0, 70.0, True, ["CPU p95 is 18 %, then 36 %"]),
    )
    return [
        {
            "day": NOW.date(), "proposal_id": f"{kind}{name}", "kind": kind, "resource_id": resource,
            "machine": resource,
            "host_name": name, "owner": "web team" if name == "web-01" else None, "instance_type": "m5.xlarge",
            "target": target, "monthly_cost": cost, "monthly_saving": saving, "billing_currency": "USD",
            "is_best": is_best, "confidence": "high", "effort": "low", "risk": "low", "evidence": evidence,
        }
        for kind, name, resource, target, cost, saving, is_best, evidence in told
    ]  # fmt: skip


def rightsizing() -> Rows:
    told = (
        ("batch-01", ec2("03"), "idle", None, 1.2, None),
        ("web-01", vm("web-01"), "oversized", "Standard_D2s_v3", 18.0, 36.0),
        ("web-03", vm("web-03"), "undersized", "Standard_D8s_v3", 91.0, 45.5),
        ("db-02", ec2("02"), "right", None, 55.0, None),
    )
    return [
        {
            "day": NOW.date(), "resource_id": resource, "machine": resource, "host_name": name, "verdict": verdict,
            "instance_type": "Standard_D4s_v3" if "web" in name else "m5.xlarge", "recommended_type": better,
            "cpu_p95": cpu,
            "cpu_p95_after": after, "memory_p95": 40.0, "hours_on": 336, "days_seen": 14, "cpu_samples": 20_160,
            "memory_samples": 20_160, "is_schedule_candidate": name == "batch-01", "is_spot_candidate": False,
        }
        for name, resource, verdict, better, cpu, after in told
    ]  # fmt: skip


def unit_costs() -> Rows:
    """Two weeks: an hour of a machine costs the same, a million requests 25 % more than a week before."""
    return [
        {
            "day": day, "unit_cost_id": f"{day}{unit}", "provider_name": provider, "service_name": service,
            "unit": unit, "volume_source": source, "volume": volume, "effective_cost": volume * price,
            "unit_cost": price, "billing_currency": "USD",
        }
        for back in range(13, -1, -1)
        for day in [NOW.date() - timedelta(days=back)]
        for provider, service, unit, source, volume, price in (
            ("AWS", "Amazon Elastic Compute Cloud", "hour", "bill", 520.0, 0.192),
            ("AWS", "Amazon S3", "GB-month", "bill", 31.4, 0.023),
            ("Microsoft", "Virtual Machines", "million requests served", "metrics", 12.0, 5.0 if back > 6 else 6.25),
            ("AWS", "AWS Lambda", "million requests", "bill", 0.4, 0.2),
        )
    ]  # fmt: skip
