"""How the estate made by hand keeps the baseline.

Defender of web-03 was stopped by hand before it ran hot, and is still; db-01 let root in by SSH for two days.
"""

from __future__ import annotations

from datetime import timedelta

from tests.hand_made_estate import HOT, NOW, Rows, ec2, minutes, vm

# control, title, severity, of how many machines in each account
CONTROLS = (
    ("defender-runs", "Windows Defender is running", "critical", {"shop": 6}),
    ("audit-rules", "The audit rules are those of the baseline", "high", {"shop": 6, "orders": 3}),
    ("ssh-no-root", "Root cannot sign in by SSH", "high", {"shop": 6, "orders": 3}),
    ("telnet-absent", "There is no telnet server", "medium", {"orders": 3}),
)


def compliance() -> Rows:
    """30 days. Defender of web-03 stopped today; db-01 let root in on 24 and 25 February."""
    return [
        {
            "day": day, "control_id": control, "account": account, "title": title, "severity": severity,
            "frameworks": "CIS Controls v8.1 10.1", "resources_in_scope": machines,
            "resources_compliant": machines - drifted, "resources_drifted": drifted,
            "score": (machines - drifted) / machines, "score_before": (machines - before) / machines,
            "trend": (before - drifted) / machines,
        }
        for back in range(29, -1, -1)
        for day in [NOW.date() - timedelta(days=back)]
        for control, title, severity, accounts in CONTROLS
        for account, machines in accounts.items()
        for drifted, before in [(_drifted(control, account, back), _drifted(control, account, back + 7))]
    ]  # fmt: skip


def _drifted(control: str, account: str, back: int) -> int:
    if (control, account) == ("defender-runs", "shop"):
        return int(back == 0)
    if (control, account) == ("ssh-no-root", "orders"):
        return int(back in (5, 6))
    return int((control, account) == ("audit-rules", "orders"))


def config_drift() -> Rows:
    stopped = {
        "drift_id": "stopped", "day": NOW.date(), "resource_id": vm("web-03"), "host_name": "web-03",
        "account": "shop", "control_id": "defender-runs", "title": "Windows Defender is running",
        "severity": "critical", "frameworks": "CIS Controls v8.1 10.1", "item_type": "service",
        "item_name": "WinDefend", "field": "state", "expected": "Running", "actual": "Stopped", "status": "open",
        "since": minutes(-6, HOT[0]), "last_seen": NOW, "closed_at": None, "changed_by": "mallory@example.com",
        "changed_by_action": "Run Command on Virtual Machine", "broke_alerts": 2, "broke_anomalies": 41,
        "first_alert": "HighCpu",
    }  # fmt: skip
    rules = stopped | {
        "drift_id": "rules", "resource_id": ec2("02"), "host_name": "db-02", "account": "orders",
        "control_id": "audit-rules", "title": "The audit rules are those of the baseline", "severity": "high",
        "item_type": "file", "item_name": "/etc/audit/rules.d/audit.rules", "field": "filecontentchecksum",
        "expected": "9c1e0f4d7a", "actual": "07ab99d210", "since": minutes(-60 * 24 * 40), "changed_by": None,
        "changed_by_action": None, "broke_alerts": 0, "broke_anomalies": 0, "first_alert": None,
    }  # fmt: skip
    root = rules | {
        "drift_id": "root", "resource_id": ec2("01"), "host_name": "db-01", "control_id": "ssh-no-root",
        "title": "Root cannot sign in by SSH", "item_name": "/etc/ssh/sshd_config", "field": "permitrootlogin",
        "expected": "no", "actual": "yes", "since": minutes(-60 * 24 * 6), "changed_by": "arn:aws:iam::222:user/olive",
    }  # fmt: skip
    return [
        stopped,
        *(rules | {"day": NOW.date() - timedelta(days=back)} for back in range(30)),
        *(root | {"day": NOW.date() - timedelta(days=back)} for back in (6, 5)),
        root | {"day": NOW.date() - timedelta(days=4), "status": "closed", "closed_at": minutes(-60 * 24 * 4)},
    ]
