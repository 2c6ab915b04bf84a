"""What it costs, what is unusual about that, and what could be saved. Amounts of two currencies are never added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.dashboard.question import Question


@dataclass(frozen=True)
class DayOfCost:
    day: date
    currency: str
    kind: str | None
    cost: float


@dataclass(frozen=True)
class Size:
    """A machine on the last day that it was judged."""

    machine: str
    resource_id: str
    host_name: str | None
    owner: str | None
    instance_type: str | None
    verdict: str
    recommended_type: str | None
    cpu_p95: float | None
    memory_p95: float | None
    cpu_p95_after: float | None
    is_schedule_candidate: bool
    is_spot_candidate: bool
    spot_zone: str | None
    day: date


@dataclass(frozen=True)
class DearDay:
    """A day on which a service cost more than is usual for that day of the week."""

    day: date
    service: str | None
    account: str | None
    currency: str
    cost: float
    expected: float | None
    excess: float


@dataclass(frozen=True)
class Saving:
    """`is_best`: of the proposals for one resource, which exclude each other, the one that saves most."""

    kind: str
    resource_id: str
    host_name: str | None
    owner: str | None
    service: str | None
    instance_type: str | None
    target: str | None
    monthly_cost: float
    monthly_saving: float
    currency: str
    is_best: bool
    confidence: str
    effort: str
    risk: str
    evidence: list[str]
    day: date


@dataclass(frozen=True)
class UnitCost:
    """What a unit cost in the last seven days that are known, and in the seven before them."""

    unit: str
    service: str | None
    volume_source: str
    currency: str
    volume: float
    cost: float
    unit_cost: float
    unit_cost_before: float | None


COSTS = Question(
    "costs",
    "gold.cost_daily",
    DayOfCost,
    """
    SELECT day, BillingCurrency,
        CASE $by WHEN 'provider' THEN ProviderName WHEN 'service' THEN ServiceName WHEN 'account' THEN
            coalesce(SubAccountName, SubAccountId) WHEN 'owner' THEN owner WHEN 'team' THEN team
            WHEN 'application' THEN application ELSE environment END AS kind,
        sum(coalesce(EffectiveCost, BilledCost))::DOUBLE
    FROM {table} WHERE day > (SELECT max(day) FROM {table}) - $days::INT
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """,
)

SIZES = Question(
    "sizes",
    "gold.rightsizing",
    Size,
    """
    SELECT machine, resource_id, host_name, owner, instance_type, verdict, recommended_type, cpu_p95, memory_p95,
        cpu_p95_after, is_schedule_candidate, is_spot_candidate, spot_zone, day
    FROM {table} WHERE day = (SELECT max(day) FROM {table})
    ORDER BY CASE verdict WHEN 'idle' THEN 0 WHEN 'oversized' THEN 1 WHEN 'undersized' THEN 2 WHEN 'right' THEN 4
        ELSE 3 END, coalesce(host_name, machine)
    """,
)

COST_ANOMALIES = Question(
    "cost anomalies",
    "gold.cost_anomalies",
    DearDay,
    """
    SELECT day, service_name, coalesce(sub_account_id, billing_account_id), billing_currency, effective_cost::DOUBLE,
        expected_cost, excess_cost
    FROM {table} WHERE is_anomaly AND day > (SELECT max(day) FROM {table}) - $days::INT
    ORDER BY day DESC, excess_cost DESC
    """,
)

SAVINGS = Question(
    "savings",
    "gold.savings",
    Saving,
    """
    SELECT kind, resource_id, host_name, owner, service_name, instance_type, target, monthly_cost,
        monthly_saving, billing_currency, is_best, confidence, effort, risk, evidence, day
    FROM {table} WHERE day = (SELECT max(day) FROM {table})
    ORDER BY is_best DESC, monthly_saving DESC, kind, resource_id
    """,
)

UNIT_COSTS = Question(
    "unit costs",
    "gold.unit_costs",
    UnitCost,
    """
    WITH weeks AS (
        SELECT unit, service_name, volume_source, billing_currency,
            day > (SELECT max(day) FROM {table}) - 7 AS is_last, volume, effective_cost
        FROM {table} WHERE day > (SELECT max(day) FROM {table}) - 14
    )
    SELECT unit, service_name, volume_source, billing_currency, sum(volume) FILTER (is_last),
        sum(effective_cost) FILTER (is_last), sum(effective_cost) FILTER (is_last) / sum(volume) FILTER (is_last),
        sum(effective_cost) FILTER (NOT is_last) / nullif(sum(volume) FILTER (NOT is_last), 0)
    FROM weeks GROUP BY unit, service_name, volume_source, billing_currency
    HAVING sum(volume) FILTER (is_last) > 0
    ORDER BY 6 DESC, unit, service_name, volume_source, billing_currency LIMIT 300
    """,
)
