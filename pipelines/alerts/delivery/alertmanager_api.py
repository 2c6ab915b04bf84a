"""Alertmanager's API v2: alerts as it wants them, and the request that hands them over.

The form: `api/v2/openapi.yaml` of Alertmanager, `postableAlerts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import urllib3

from pipelines.alerts.delivery.transitions import RESOLVED, Transition
from pipelines.errors import DeliveryError

# Alertmanager refuses an alert with any other name of a label.
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9_]|^(?=\d)")


def as_alert(transition: Transition, now: datetime, source: str) -> dict[str, Any]:
    """One `postableAlert`. Its labels, by which Alertmanager knows it again, depend on the alert alone.

    Start and end are when it was evaluated to fire and to be over, as Prometheus has it: Alertmanager does not wait for
    others of the group (`group_wait`) if an alert says that it began before. Since when its condition has been true, in
    event time, is an annotation. Without an end it fires until Alertmanager has heard nothing for its
    `resolve_timeout`. A time that lies ahead would mean something else, so that now is the latest.
    """
    labels = {_NOT_IN_LABELS.sub("_", name): value for name, value in transition.labels.items()}
    known = {
        "alertname": transition.alert_name,
        "severity": transition.severity,
        "resource_id": transition.resource_id,
        "resource_group": transition.resource_group,
    }
    starts = min(transition.fired_at or transition.active_since, now)
    alert = {
        "labels": {name: value for name, value in known.items() if value is not None} | labels,
        "annotations": {"active_since": transition.active_since.isoformat(), **transition.annotations},
        "startsAt": starts.isoformat(),
        "generatorURL": f"{source}#{transition.fingerprint}",
    }
    if transition.state == RESOLVED:
        alert["endsAt"] = max(starts, min(transition.evaluated_at, now)).isoformat()
    return alert


class AlertsRefusedError(DeliveryError):
    """Alertmanager was reached and says that alerts are not valid: those will not be better at the next try."""


def post(pool: urllib3.PoolManager, url: str, alerts: Sequence[dict[str, Any]], timeout_seconds: float) -> None:
    """Hand `alerts` to the Alertmanager at base `url`, within twice the time-out.

    Raises AlertsRefusedError if it took only those of them that are valid, DeliveryError if it took none.
    """
    timeout = urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds)
    try:
        answer = pool.request(
            "POST", f"{url.rstrip('/')}/api/v2/alerts", json=list(alerts), timeout=timeout, retries=False
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise DeliveryError(f"Alertmanager at {url} cannot be reached: {error}") from error
    said = answer.data[:500].decode(errors="replace").strip()
    if answer.status == 400:
        raise AlertsRefusedError(f"Alertmanager at {url} refuses alerts: {said}")
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"Alertmanager at {url} answers with HTTP status {answer.status}: {said}")
