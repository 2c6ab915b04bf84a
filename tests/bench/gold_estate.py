"""Gold of an estate of any size, as large as its tables would be: a file a day, made by numpy and pyarrow.

Scores are in order of time and resource, as clustering leaves them. What is drawn at random has one seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from pipelines.settings import Settings
from tests import hand_made_gold
from tests.gold_tables import contract_schema, write_rows
from tests.hand_made_costs import cost_anomalies
from tests.hand_made_estate import vm

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SEED = 7
Columns = dict[str, Any]


@dataclass(frozen=True)
class Estate:
    resources: int
    days: int

    @property
    def ids(self) -> list[str]:
        return [vm(f"web-{n:04}") for n in range(self.resources)]

    @property
    def names(self) -> list[str]:
        return [f"web-{n:04}" for n in range(self.resources)]

    def dates(self) -> list[date]:
        return [(NOW - timedelta(days=back)).date() for back in range(self.days, 0, -1)]


def _write(settings: Settings, name: str, columns: Columns) -> int:
    """Columns that are not named are null, or empty where the contract requires them."""
    schema, rows = contract_schema(name), len(next(iter(columns.values())))
    arrays = []
    for field in schema:
        if field.name in columns:
            arrays.append(pa.array(columns[field.name], field.type))
        elif field.nullable:
            arrays.append(pa.nulls(rows, field.type))
        else:
            arrays.append(_same(field.type, rows))
    table = pa.Table.from_arrays(arrays, schema=schema)
    write_deltalake(str(settings.table_path(*name.split("."))), table, mode="append")
    return rows


def _same(kind: pa.DataType, rows: int) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(np.full(rows, np.datetime64(NOW.replace(tzinfo=None), "us")), kind)
    if pa.types.is_date(kind):
        return pa.array([NOW.date()] * rows, kind)
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return pa.array([[]] * rows, kind)
    value: Any = Decimal(0) if pa.types.is_decimal(kind) else b"" if pa.types.is_binary(kind) else ""
    if pa.types.is_boolean(kind):
        value = False
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        value = 0
    return pa.array([value] * rows, kind)


def scores(settings: Settings, estate: Estate) -> int:
    """A score a minute of each resource's CPU; 3 in 1,000 are anomalies."""
    rng, rows, minutes = np.random.default_rng(SEED), 0, 24 * 60
    places = np.tile(np.arange(estate.resources, dtype=np.int32), minutes)
    ids = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(estate.ids)).cast(pa.string())
    names = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(estate.names)).cast(pa.string())
    amount = len(places)
    empty = pa.array([[]] * 1, pa.list_(pa.string())).take(pa.array(np.zeros(amount, np.int32)))
    for day in estate.dates():
        begin = np.datetime64(day, "us")
        times = begin + np.repeat(np.arange(minutes), estate.resources) * np.timedelta64(60, "s")
        expected = 40 + 10 * np.sin(np.repeat(np.arange(minutes), estate.resources) / 229)
        score = np.where(rng.random(amount) < 0.003, 0.9, rng.random(amount) * 0.5)
        value = expected + rng.normal(0, 3, amount)

        def fixed(text: str, amount: int = amount) -> pa.Array:
            return pa.array([text]).take(pa.array(np.zeros(amount, np.int32)))

        columns = {
            "score_id": pa.array(np.arange(rows, rows + amount)).cast(pa.string()),
            "series_id": places.astype(np.int64),
            "detector": fixed("univariate"), "resource_id": ids, "host_name": names, "namespace": fixed("system"),
            "metric": fixed("cpu"), "event_time": pa.array(times).cast(pa.timestamp("us", "UTC")), "value": value,
            "expected": expected, "lower": expected - 9, "upper": expected + 9, "anomaly_score": score,
            "is_anomaly": score >= 0.8, "top_contributors": empty, "model_name": fixed("anomaly_detector"),
            "model_version": fixed("1"), "scored_at": pa.array(times).cast(pa.timestamp("us", "UTC")),
        }  # fmt: skip
        rows += _write(settings, "silver.anomaly_scores", columns)
    return rows


def daily(settings: Settings, estate: Estate) -> int:
    """Health, cost, savings and sizes of each resource on each day."""
    rng, rows, amount = np.random.default_rng(SEED), 0, estate.resources
    owners = [f"team {n % 20}" for n in range(amount)]
    services = [f"service {n % 40}" for n in range(amount)]
    for day in estate.dates():
        down = np.where(rng.random(amount) < 0.02, rng.random(amount) * 7_200, 0)
        state = np.where(down > 0, "unavailable", np.where(rng.random(amount) < 0.05, "degraded", "healthy"))
        rows += _write(
            settings, "gold.resource_health",
            {
                "day": [day] * amount, "resource_id": estate.ids, "host_name": estate.names, "state": state,
                "service": services, "owner": owners, "cloud_provider": ["azure"] * amount,
                "availability_ratio": 1 - down / 86_400, "expected_seconds": np.full(amount, 86_400.0),
                "downtime_seconds": down, "burn_rate": down / 86.4, "anomalies": rng.integers(0, 9, amount),
            },
        )  # fmt: skip
        # Four charges a resource and day: machine, disk, network, backup.
        for part in ("Virtual Machines", "Storage", "Bandwidth", "Backup"):
            spent = [Decimal(str(round(value, 4))) for value in rng.gamma(2, 3, amount)]
            rows += _write(
                settings, "gold.cost_daily",
                {
                    "day": [day] * amount, "cost_id": [f"{day}{part}{n}" for n in range(amount)],
                    "ProviderName": ["Microsoft"] * amount, "ServiceName": [part] * amount, "owner": owners,
                    "BillingCurrency": ["USD"] * amount, "resource_id": estate.ids, "BilledCost": spent,
                    "EffectiveCost": spent, "application": services,
                },
            )  # fmt: skip
        rows += _write(
            settings, "gold.rightsizing",
            {"day": [day] * amount, "resource_id": estate.ids, "machine": estate.ids, "verdict": ["right"] * amount},
        )  # fmt: skip
        rows += _write(
            settings, "gold.savings",
            {
                "day": [day] * (amount // 2), "resource_id": estate.ids[: amount // 2],
                "kind": ["rightsize"] * (amount // 2),
                "monthly_saving": rng.gamma(2, 30, amount // 2), "billing_currency": ["USD"] * (amount // 2),
            },
        )  # fmt: skip
    return rows


def events(settings: Settings, estate: Estate) -> int:
    """Alerts, incidents, pipeline minutes, quality: as many as such an estate would have, or more."""
    rng, rows = np.random.default_rng(SEED), 0
    start = np.datetime64(NOW.replace(tzinfo=None) - timedelta(days=estate.days), "us")
    many = estate.resources * estate.days
    times = np.sort(start + rng.integers(0, estate.days * 86_400, many) * np.timedelta64(1_000_000, "us"))
    zoned = pa.array(times).cast(pa.timestamp("us", "UTC"))
    rows += _write(
        settings, "gold.alerts",
        {
            "transition_id": [str(n) for n in range(many)], "fingerprint": [f"f{n % 5_000}" for n in range(many)],
            "alert_name": ["HighCpu"] * many, "state": [("firing", "resolved")[n % 2] for n in range(many)],
            "transition_time": zoned, "severity": [("page", "critical", "warning")[n % 3] for n in range(many)],
        },
    )  # fmt: skip
    few = many // 10
    signs = [{"kind": "alert", "at": NOW, "resource_id": estate.ids[0], "what": "it fired"}] * 30
    causes = [
        {"rank": n, "kind": "change", "what": "deployment", "resource_id": estate.ids[0], "at": NOW,
         "score": 0.5, "why": "near"}
        for n in range(10)
    ]  # fmt: skip
    rows += _write(
        settings, "gold.incidents",
        {
            "day": times[:: 10][:few].astype("datetime64[D]"), "incident_id": [str(n) for n in range(few)],
            "title": ["CPU is high"] * few, "status": ["resolved"] * few,
            "started_at": zoned.take(pa.array(range(0, many, 10))),
            "severity": ["critical"] * few, "causes": [causes] * few, "evidence": [signs] * few,
        },
    )  # fmt: skip
    for query in ("bronze", "silver", "silver_anomaly_scores", "gold_metric_rollup"):
        amount = estate.days * 1_440
        minutes = pa.array(start + np.arange(amount) * np.timedelta64(60_000_000, "us")).cast(pa.timestamp("us", "UTC"))
        rows += _write(
            settings, "gold.pipeline_health",
            {
                "minute": minutes, "query": [query] * amount, "latency_p95_seconds": rng.gamma(2, 1, amount),
                "latency_p99_seconds": rng.gamma(3, 1, amount), "input_rows": np.full(amount, 60_000),
                "state_bytes": np.full(amount, 40_000_000),
            },
        )  # fmt: skip
    rules = estate.days * 1_440 * 20
    rows += _write(
        settings, "gold.quality",
        {
            "table_name": ["silver.metrics"] * rules, "rule": [f"rule {n % 20}" for n in range(rules)],
            "checked": np.full(rules, 5_000), "broken": rng.integers(0, 3, rules),
            "counted_at": pa.array(start + np.arange(rules) // 20 * np.timedelta64(60_000_000, "us")).cast(
                pa.timestamp("us", "UTC")
            ),
        },
    )  # fmt: skip
    rows += _write(
        settings, "silver.quarantine",
        {
            "topic": ["am-Perf"] * many, "reason": [("malformed_json", "future_time")[n % 2] for n in range(many)],
            "ingest_time": zoned, "raw": [b'{"records": "x"}' * 20] * many,
        },
    )  # fmt: skip
    return rows


def predictions(settings: Settings, estate: Estate) -> int:
    curve = hand_made_gold.capacity_forecast()[0]
    amount = estate.resources * 4
    same = {name: [value] * amount for name, value in curve.items() if name not in ("series_id", "resource_id")}
    rows = _write(
        settings, "gold.capacity_forecast",
        same | {"series_id": list(range(amount)), "resource_id": [estate.ids[n // 4] for n in range(amount)]},
    )  # fmt: skip
    amount = estate.resources
    rows += _write(settings, "gold.failure_risk", {"resource_id": estate.ids, "risk_24h": np.linspace(0, 0.4, amount)})
    rows += _write(settings, "gold.agent_health", {"resource_id": estate.ids, "state": ["connected"] * amount})
    return rows


def security(settings: Settings, estate: Estate) -> int:
    """A finding a resource and day, most of little weight; 40 controls in 20 accounts; one resource in four drifts."""
    rng, rows, amount = np.random.default_rng(SEED), 0, estate.resources
    severities = rng.choice(["critical", "high", "medium", "low", "info"], amount, p=[0.002, 0.01, 0.05, 0.6, 0.338])
    accounts, controls, drifts = [f"account {n}" for n in range(20)], 40, amount // 4
    grades = ("critical", "high", "medium", "low")
    for day in estate.dates():
        times = np.datetime64(day, "us") + np.sort(rng.integers(0, 86_400, amount)) * np.timedelta64(1_000_000, "us")
        rows += _write(
            settings, "gold.security_audit",
            {
                "finding_id": [f"{day}{n}" for n in range(amount)], "day": [day] * amount, "severity": severities,
                "event_time": pa.array(times).cast(pa.timestamp("us", "UTC")), "rule": ["failed_sign_in"] * amount,
                "title": [f"user {n % 300} failed to sign in from 203.0.113.{n % 250}" for n in range(amount)],
                "tactic": ["Credential Access"] * amount, "technique_id": [f"T1{n % 40:03}" for n in range(amount)],
                "technique_name": ["Brute Force"] * amount, "actor": [f"user {n % 300}" for n in range(amount)],
                "source_address": [f"203.0.113.{n % 250}" for n in range(amount)], "resource_id": estate.ids,
                "outcome": ["failure"] * amount, "occurrences": np.ones(amount, np.int64),
                "evidence": [[("userAgent", "aws-cli"), ("requestParameters", "x" * 300)]] * amount,
            },
        )  # fmt: skip
        kept = rng.integers(0, 5, len(accounts) * controls)
        rows += _write(
            settings, "gold.compliance",
            {
                "day": [day] * len(kept), "control_id": [f"control-{n % controls}" for n in range(len(kept))],
                "account": [accounts[n // controls] for n in range(len(kept))],
                "title": [f"Control {n % controls}" for n in range(len(kept))],
                "severity": [grades[n % controls % 4] for n in range(len(kept))],
                "resources_in_scope": np.full(len(kept), 50), "resources_compliant": 50 - kept,
                "resources_drifted": kept, "score": (50 - kept) / 50, "score_before": np.full(len(kept), 0.9),
            },
        )  # fmt: skip
        rows += _write(
            settings, "gold.config_drift",
            {
                "drift_id": [f"drift {n}" for n in range(drifts)], "day": [day] * drifts, "status": ["open"] * drifts,
                "resource_id": estate.ids[:drifts], "host_name": estate.names[:drifts],
                "account": [accounts[n % 20] for n in range(drifts)],
                "control_id": [f"control-{n % controls}" for n in range(drifts)],
                "severity": [grades[n % controls % 4] for n in range(drifts)], "item_name": ["WinDefend"] * drifts,
            },
        )  # fmt: skip
        units = ("hour", "GB", "GB-month", "million requests")
        for unit in units:
            volume = rng.gamma(2, 10, amount)
            rows += _write(
                settings, "gold.unit_costs",
                {
                    "day": [day] * amount, "unit_cost_id": [f"{day}{unit}{n}" for n in range(amount)],
                    "service_name": [f"service {n % 40}" for n in range(amount)], "machine": estate.ids,
                    "unit": [unit] * amount, "volume_source": ["bill"] * amount, "volume": volume,
                    "effective_cost": volume * 0.1, "unit_cost": np.full(amount, 0.1),
                    "billing_currency": ["USD"] * amount,
                },
            )  # fmt: skip
    return rows


def small(settings: Settings) -> None:
    """Tables that are small whatever the estate."""
    for name, rows in (
        ("gold.spot_forecast", hand_made_gold.spot_forecast()),
        ("gold.quality_checks", hand_made_gold.quality_checks()),
        ("gold.model_health", hand_made_gold.model_health()),
        ("gold.cost_anomalies", cost_anomalies()),
    ):
        write_rows(settings, name, rows)


def make(settings: Settings, estate: Estate) -> int:
    """All tables; how many rows."""
    small(settings)
    return sum(part(settings, estate) for part in (scores, daily, events, predictions, security))
