"""How well the baseline is kept, and what differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipelines.dashboard.question import Question

# Of an account that was not chosen, the parameter is an empty text.
_ACCOUNT = "($account = '' OR account = $account)"


@dataclass(frozen=True)
class DayOfScore:
    """Of an account. `score`: of all its controls, weighted by how grave each is."""

    day: date
    account: str
    score: float
    score_before: float | None
    controls: int
    drifted: int
    critical_drifted: int


@dataclass(frozen=True)
class Control:
    """On the last day, of all accounts or one. `score_before`: seven days earlier."""

    control_id: str
    title: str
    severity: str
    frameworks: str
    in_scope: int
    drifted: int
    score: float
    score_before: float | None


@dataclass(frozen=True)
class DayOfControl:
    day: date
    control_id: str
    title: str
    score: float


@dataclass(frozen=True)
class Drift:
    """As it was on the last day that the table has of it."""

    drift_id: str
    status: str
    severity: str
    control_id: str
    title: str
    resource_id: str
    host_name: str | None
    item: str
    field: str
    expected: str | None
    actual: str | None
    since: datetime
    last_seen: datetime
    closed_at: datetime | None
    changed_by: str | None
    changed_by_action: str | None
    broke_alerts: int
    broke_anomalies: int
    first_alert: str | None
    day: date


SCORES = Question(
    "compliance scores",
    "gold.compliance_score",
    DayOfScore,
    """
    SELECT day, account, score, score_before, controls, controls_with_drift::BIGINT,
        critical_controls_with_drift::BIGINT
    FROM {table} WHERE day > (SELECT max(day) FROM {table}) - 30 ORDER BY day, account
    """,
)

CONTROLS = Question(
    "controls",
    "gold.compliance",
    Control,
    f"""
    WITH newest AS (SELECT max(day) AS day FROM {{table}}),
    week_ago AS (
        SELECT control_id, sum(resources_compliant) / nullif(sum(resources_in_scope), 0) AS score
        FROM {{table}} WHERE day = (SELECT day FROM newest) - 7 AND {_ACCOUNT} GROUP BY control_id
    )
    SELECT c.control_id, any_value(c.title), any_value(c.severity), any_value(c.frameworks),
        sum(c.resources_in_scope)::BIGINT, sum(c.resources_drifted)::BIGINT,
        sum(c.resources_compliant) / sum(c.resources_in_scope), any_value(w.score)
    FROM {{table}} c LEFT JOIN week_ago w ON w.control_id = c.control_id
    WHERE c.day = (SELECT day FROM newest) AND {_ACCOUNT} AND c.resources_in_scope > 0
    GROUP BY c.control_id
    ORDER BY sum(c.resources_drifted) = 0, CASE any_value(c.severity) WHEN 'critical' THEN 0 WHEN 'high' THEN 1
        WHEN 'medium' THEN 2 ELSE 3 END, 7, c.control_id
    """,
)

DAYS_OF_CONTROLS = Question(
    "days of controls",
    "gold.compliance",
    DayOfControl,
    f"""
    SELECT day, control_id, any_value(title), sum(resources_compliant) / sum(resources_in_scope)
    FROM {{table}}
    WHERE day > (SELECT max(day) FROM {{table}}) - 30 AND {_ACCOUNT} AND resources_in_scope > 0
    GROUP BY day, control_id ORDER BY day, control_id
    """,
)

DRIFTS = Question(
    "drifts",
    "gold.config_drift",
    Drift,
    f"""
    SELECT drift_id, status, severity, control_id, title, resource_id, host_name, item_name, field, expected, actual,
        since, last_seen, closed_at, changed_by, changed_by_action, broke_alerts, broke_anomalies, first_alert, day
    FROM {{table}}
    WHERE day > (SELECT max(day) FROM {{table}}) - 30 AND {_ACCOUNT}
        AND ($control = '' OR control_id = $control)
    QUALIFY row_number() OVER (PARTITION BY drift_id ORDER BY day DESC) = 1
    ORDER BY status = 'closed', CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
        broke_alerts DESC, broke_anomalies DESC, since DESC, drift_id LIMIT 1000
    """,
)
