"""A small estate as gold would tell of it on 2 March 2026, made by hand: what the dashboard and notebooks are held to.

One machine, web-03, ran hot from 10:30 to 11:10 after a deployment; db-01 is silent; the disk of db-02 fills up.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.settings import Settings
from tests.gold_tables import write_rows
from tests.hand_made_compliance import compliance, config_drift
from tests.hand_made_costs import cost_anomalies, cost_daily, rightsizing, savings, unit_costs
from tests.hand_made_estate import HOT, NOW, RESOURCES, Rows, ec2, minutes, vm
from tests.hand_made_security import security_audit


def write_all(settings: Settings) -> None:
    """Every table that a page or notebook reads."""
    for table, rows in (
        ("gold.agent_health", agent_health()),
        ("gold.resource_health", resource_health()),
        ("silver.anomaly_scores", anomaly_scores()),
        ("silver.quarantine", quarantine()),
        ("gold.quality", quality()),
        ("gold.quality_checks", quality_checks()),
        ("gold.model_health", model_health()),
        ("gold.alerts", alerts()),
        ("gold.capacity_forecast", capacity_forecast()),
        ("gold.failure_risk", failure_risk()),
        ("gold.spot_forecast", spot_forecast()),
        ("gold.pipeline_health", pipeline_health()),
        ("gold.incidents", incidents()),
        ("gold.cost_daily", cost_daily()),
        ("gold.cost_anomalies", cost_anomalies()),
        ("gold.savings", savings()),
        ("gold.rightsizing", rightsizing()),
        ("gold.unit_costs", unit_costs()),
        ("gold.security_audit", security_audit()),
        ("gold.compliance", compliance()),
        ("gold.config_drift", config_drift()),
    ):
        write_rows(settings, table, rows)


def agent_health() -> Rows:
    words = {"healthy": "connected", "degraded": "connected", "unavailable": "silent", "unknown": "late"}
    return [
        {
            "resource_id": resource, "host_name": name, "source": "azure.log_analytics.Heartbeat",
            "state": words[state], "state_since": minutes(-90), "last_heartbeat": minutes(-90 if down else -1),
            "day": NOW.date(), "downtime_seconds": down, "as_of": NOW,
        }
        for name, resource, _, _, _, state, down in RESOURCES
    ]  # fmt: skip


def resource_health() -> Rows:
    rows: Rows = []
    for back in range(29, -1, -1):
        day = NOW.date() - timedelta(days=back)
        for name, resource, provider, service, owner, last, down in RESOURCES:
            state = last if back == 0 else "unavailable" if (name, back) == ("web-05", 12) else "healthy"
            downtime = down if back == 0 else 7_200.0 if state == "unavailable" else 0.0
            expected = 43_200.0 if back == 0 else 86_400.0
            is_unknown = state == "unknown"
            rows.append(
                {
                    "day": day, "resource_id": resource, "state": state, "host_name": name, "service": service,
                    "environment": "production", "owner": owner, "cloud_provider": provider,
                    "resource_type": "microsoft.compute/virtualmachines" if provider == "azure" else "ec2:instance",
                    "availability_ratio": None if is_unknown else 1 - downtime / expected,
                    "expected_seconds": expected, "downtime_seconds": downtime,
                    "degraded_seconds": 2_400.0 if state == "degraded" else 0.0,
                    "anomalies": 41 if state == "degraded" else 0,
                    "worst_signal": "cpu" if state == "degraded" else None,
                    "last_heard": minutes(-90 if down and back == 0 else -1, NOW - timedelta(days=back)),
                    "slo_target": 0.999, "error_budget_seconds": 86.4,
                    "error_budget_burned_ratio": None if is_unknown else downtime / 86.4,
                    "burn_rate": None if is_unknown else downtime / expected / 0.001,
                    "as_of": NOW - timedelta(days=back),
                }
            )  # fmt: skip
    return rows


def _score(
    name: str, resource: str, metric: str, series: int, at: datetime, value: float, score: float
) -> dict[str, Any]:
    usual = 40 + 8 * math.sin((at.hour + at.minute / 60) * math.pi / 12)
    return {
        "score_id": f"{series}-{at:%d%H%M}", "series_id": series, "detector": "univariate", "resource_id": resource,
        "host_name": name, "namespace": "system", "metric": metric, "event_time": at, "value": value,
        "expected": usual, "lower": usual - 9, "upper": usual + 9, "anomaly_score": score, "is_anomaly": score >= 0.8,
        "model_name": "anomaly_detector", "model_version": "7", "scored_at": at,
    }  # fmt: skip


def anomaly_scores() -> Rows:
    """A day of two machines, a value a minute. web-03's cpu is 93 while it is hot, and the rest as ever."""
    rows: Rows = []
    for back in range(24 * 60 - 1, -1, -1):
        at = minutes(-back)
        usual = 40 + 8 * math.sin((at.hour + at.minute / 60) * math.pi / 12) + 3 * math.sin(back / 3)
        is_hot = HOT[0] <= at <= HOT[1]
        rows.append(_score("web-03", vm("web-03"), "cpu", 31, at, 93.0 if is_hot else usual, 0.95 if is_hot else 0.1))
        rows.append(_score("web-03", vm("web-03"), "memory", 32, at, usual + 4, 0.1))
        rows.append(_score("web-01", vm("web-01"), "cpu", 11, at, usual, 0.05))
    return rows


def quarantine() -> Rows:
    told = (
        ("malformed_json", "am-Perf", 40, 10),
        ("unknown_envelope", "aws.metrics", 12, 0),
        ("future_time", "am-Syslog", 3, 3),
    )
    return [
        {
            "topic": topic, "partition": 0, "offset": number, "item": 0,
            "kafka_timestamp": minutes(-1_440 * (number % 5)),
            "ingest_time": minutes(-1_440 * (number % 5)), "reason": reason, "message": "",
            "event_id": f"{reason}-{number}",
            "resolved_at": NOW if number < resolved else None,
        }
        for reason, topic, items, resolved in told
        for number in range(items)
    ]  # fmt: skip


def quality() -> Rows:
    return [
        {
            "query_id": "q",
            "batch_id": batch,
            "table_name": table,
            "rule": rule,
            "action": action,
            "checked": 10_000,
            "broken": broken,
            "counted_at": minutes(-batch),
        }
        for batch in range(10)
        for table, rule, action, broken in (
            ("silver.metrics", "value_is_finite", "warn", 3),
            ("silver.metrics", "resource_known", "quarantine", 0),
            ("silver.logs", "future_time", "quarantine", 1),
        )
    ]


def quality_checks() -> Rows:
    told = (
        ("silver.metrics", "fresh", "critical", "passed", "a row within 10 minutes", "1 minute"),
        ("silver.costs", "volume", "warning", "failed", "at least half of the usual rows", "12 % of them"),
        ("gold.agent_health", "unique_key", "critical", "passed", "no key twice", "none"),
        ("silver.logs", "null_rate", "warning", "no_history", "as many nulls as in former weeks", None),
    )
    return [
        {
            "run_id": "r", "table_name": table, "check_name": check, "checked_at": NOW, "window_start": minutes(-60),
            "window_end": NOW, "severity": severity, "status": status, "expected": expected, "observed": observed,
            "message": "less came than usual" if status == "failed" else "a defect", "rows": 10_000,
        }
        for table, check, severity, status, expected, observed in told
    ]  # fmt: skip


def model_health() -> Rows:
    return [
        {
            "model_name": "anomaly_detector", "model_version": version, "role": role, "checked_at": NOW, "state": state,
            "reason": reason, "alert_rate": 0.004, "psi": psi,
        }
        for version, role, state, reason, psi in (
            ("7", "champion", "healthy", "scores are distributed as at its training", 0.03),
            ("8", "challenger", "drifting", "psi 0.31 is over 0.25", 0.31),
        )
    ]  # fmt: skip


def alerts() -> Rows:
    def change(
        name: str, severity: str, resource: str, at: float, state: str, before: str | None, said: str, value: float
    ):
        return {
            "transition_id": f"{name}{resource}{at}", "fingerprint": f"{name}{resource}", "alert_name": name,
            "state": state,
            "previous_state": before, "transition_time": minutes(at), "active_since": minutes(at - 5),
            "severity": severity,
            "resource_id": resource, "value": value, "labels": [("alertname", name)], "evaluated_at": minutes(at),
            "annotations": [("summary", said), ("runbook_url", "https://runbooks.example/" + name)],
        }  # fmt: skip

    hot, silent = "CPU of web-03 is over 80 %", "db-01 has been silent for 85 minutes"
    return [
        change("HighCpu", "critical", vm("web-03"), -90, "pending", None, hot, 93.0),
        change("HighCpu", "critical", vm("web-03"), -85, "firing", "pending", hot, 93.0),
        change("HighCpu", "critical", vm("web-03"), -45, "resolved", "firing", hot, 41.0),
        change("AgentSilent", "page", ec2("01"), -85, "firing", "pending", silent, 5_100.0),
        change(
            "DiskFillsUp", "warning", ec2("02"), -20, "pending", None, "the disk of db-02 is full in 4.3 days", 4.25
        ),
        *(
            change(
                "HighCpu",
                "critical",
                vm("web-05"),
                -60 * 24 * back,
                "firing",
                "pending",
                "CPU of web-05 is over 80 %",
                88.0,
            )
            for back in (3, 9, 12)
        ),
        change(
            "HighCpu", "critical", vm("web-05"), -60 * 24 * 3 + 30, "resolved", "firing", "CPU of web-05 is usual", 40.0
        ),
    ]


def capacity_forecast() -> Rows:
    steps = [(NOW + timedelta(hours=hour), "PT1H", 78 + hour * 0.2156) for hour in range(1, 25)]
    steps += [(datetime(2026, 3, 3 + day, tzinfo=UTC), "P1D", 78 + 5.175 * (day + 0.5)) for day in range(1, 10)]
    curve = [
        {
            "time": time, "grain": grain, "value": value, "lower_80": value - 1 - n / 6, "upper_80": value + 1 + n / 6,
            "lower_95": value - 2 - n / 4, "upper_95": value + 2 + n / 4,
        }
        for n, (time, grain, value) in enumerate(steps)
    ]  # fmt: skip
    filling = {
        "series_id": 21, "source": "otlp", "cloud_provider": "aws", "resource_id": ec2("02"), "host_name": "db-02",
        "namespace": "system", "metric": "disk used", "unit": "Percent", "dimensions": [("mount", "/var")],
        "granularity": "PT1H", "history_end": NOW, "observed_steps": 400, "last_value": 78.0, "capacity_limit": 100.0,
        "direction": "up", "shown": "model", "model": "trend", "skill": 0.31, "days_to_full": 4.25,
        "days_to_full_earliest": 3.9, "days_to_full_latest": 5.1, "full_at": NOW + timedelta(days=4.25),
        "forecast": curve, "as_of": NOW,
    }  # fmt: skip
    unknown = filling | {
        "series_id": 22, "resource_id": vm("web-01"), "host_name": "web-01", "shown": "none",
        "reason": "six hours are known",
        "model": None, "skill": None, "days_to_full": None, "days_to_full_earliest": None, "days_to_full_latest": None,
        "full_at": None, "forecast": None, "last_value": 31.0,
    }  # fmt: skip
    return [filling, unknown]


def failure_risk() -> Rows:
    told = (
        ("db-01", ec2("01"), None, []),
        ("web-03", vm("web-03"), 0.34, ["cpu 93 % in the last hour", "4 anomalies in the last day"]),
        ("web-01", vm("web-01"), 0.01, []),
    )
    return [
        {
            "resource_id": resource, "host_name": name, "as_of": NOW, "is_down": risk is None, "reasons": reasons,
            "risk_1h": None if risk is None else risk / 6, "risk_24h": risk,
            "risk_168h": None if risk is None else min(1.0, risk * 2), "base_rate_1h": 0.001, "base_rate_24h": 0.02,
            "base_rate_168h": 0.1, "model_name": "hazard", "model_version": 3, "is_calibrated": True,
            "brier_skill_1h": 0.1, "brier_skill_24h": 0.2, "brier_skill_168h": 0.2,
        }
        for name, resource, risk, reasons in told
    ]  # fmt: skip


def spot_forecast() -> Rows:
    return [
        {
            "instance_type": "m5.large", "availability_zone": f"eu-west-1{zone}", "product_description": "Linux/UNIX",
            "vcpus": 2, "price": price, "price_since": NOW, "shown": "naive", "price_24h": price,
            "price_24h_lower_80": price * 0.9, "price_24h_upper_80": price * 1.1, "interruption_risk_24h": risk,
            "risk_index": risk * 1.2, "expected_cost_per_hour": price * (1 + risk), "rank_in_type": rank, "as_of": NOW,
        }
        for rank, zone, price, risk in ((1, "b", 0.0312, 0.02), (2, "a", 0.0398, 0.05), (3, "c", 0.0455, 0.11))
    ]  # fmt: skip


def pipeline_health() -> Rows:
    return [
        {
            "minute": minutes(-back), "run_id": "r", "query_id": query, "query": query, "layer": layer, "batches": 20,
            "input_rows": rate * 60, "input_rows_per_second": float(rate), "latency_p50_seconds": latency / 2,
            "latency_p95_seconds": latency + (6 if (query, back) == ("silver", 180) else math.sin(back / 9) / 4),
            "latency_p99_seconds": latency * 2, "batch_p50_ms": 400.0, "batch_p95_ms": 900.0, "batch_max_ms": 1_200.0,
            "behind_offsets": 120 if layer == "bronze" else None, "behind_versions": None if layer == "bronze" else 2,
            "processed_rows_per_second": 20.0 * rate, "state_rows": 9_000 if query == "silver" else None,
            "state_bytes": 4_200_000 + 1_000 * (720 - back) if query == "silver" else None,
            "late_rows_dropped": 3 if (query, back) == ("silver", 10) else 0, "errors": 0,
        }
        for back in range(0, 720, 5)
        for query, layer, rate, latency in (
            ("bronze", "bronze", 5_000, 1.4), ("silver", "silver", 5_000, 3.1),
            ("gold_metric_rollup", "gold", 4_000, 4.4),
        )
    ]  # fmt: skip


def incidents() -> Rows:
    """web-03 after a deployment, which is over; db-01, which is not; and one of February."""
    deployed = "deployment of shop 4.2 by release pipeline"
    hot = {
        "day": NOW.date(), "incident_id": "hot", "title": "CPU of web-03 is over 80 %", "status": "resolved",
        "severity": "critical", "first_seen": HOT[0], "last_seen": HOT[1], "started_at": HOT[0],
        "detected_at": minutes(3, HOT[0]), "resolved_at": HOT[1], "time_to_detect_seconds": 180.0,
        "time_to_resolve_seconds": 2_400.0, "primary_resource_id": vm("web-03"), "resource_ids": [vm("web-03")],
        "service": "shop", "alerts": 1, "anomalies": 1, "silences": 0, "events": 1, "changes": 1,
        "fingerprints": ["HighCpu" + vm("web-03")],
        "causes": [
            {"rank": 1, "kind": "change", "what": deployed, "resource_id": vm("web-03"), "at": minutes(-4, HOT[0]),
             "score": 0.81, "why": "on the resource itself, 4 minutes before the first symptom"},
            {"rank": 2, "kind": "anomaly", "what": "cpu 93 where 43 was expected", "resource_id": vm("web-03"),
             "at": HOT[0], "score": 0.2, "why": "the first symptom itself"},
        ],
        "evidence": [
            {"kind": "change", "at": minutes(-4, HOT[0]), "resource_id": vm("web-03"), "what": deployed},
            {"kind": "anomaly", "at": HOT[0], "resource_id": vm("web-03"), "what": "cpu 93 where 43 was expected"},
            {"kind": "alert", "at": minutes(5, HOT[0]), "resource_id": vm("web-03"), "what": "HighCpu fired"},
        ],
    }  # fmt: skip
    silent = hot | {
        "incident_id": "silent", "title": "db-01 is silent", "status": "open", "severity": "page", "service": "orders",
        "first_seen": minutes(-90), "last_seen": NOW, "started_at": minutes(-90), "detected_at": minutes(-85),
        "resolved_at": None, "time_to_detect_seconds": 300.0, "time_to_resolve_seconds": None,
        "primary_resource_id": ec2("01"), "resource_ids": [ec2("01")], "anomalies": 0, "silences": 1, "events": 0,
        "changes": 0, "fingerprints": [], "evidence": [], "causes": [
            {"rank": 1, "kind": "silence", "what": "no heartbeat of db-01", "resource_id": ec2("01"),
             "at": minutes(-90), "score": 0.3, "why": "the first symptom itself"},
        ],
    }  # fmt: skip
    at = minutes(-60 * 24 * 9)
    former = hot | {
        "day": at.date(), "incident_id": "former", "title": "CPU of web-05 is over 80 %", "first_seen": at,
        "started_at": at, "last_seen": minutes(60, at), "detected_at": minutes(10, at), "resolved_at": minutes(60, at),
        "time_to_detect_seconds": 600.0, "time_to_resolve_seconds": 3_600.0, "primary_resource_id": vm("web-05"),
        "resource_ids": [vm("web-05")], "severity": "warning", "causes": [], "evidence": [],
    }  # fmt: skip
    return [hot, silent, former]
