"""What bears on security in the estate made by hand: mallory guesses passwords, signs in, and switches a log off."""

from __future__ import annotations

from tests.hand_made_estate import Rows, ec2, minutes, vm


def security_audit() -> Rows:
    def finding(
        back: float, rule: str, severity: str, technique: tuple[str, str, str], title: str, actor: str | None,
        target: str, resource: str | None = None, times: int = 1, outcome: str = "success",
    ):  # fmt: skip
        tactic, technique_id, technique_name = technique
        at = minutes(-back)
        return {
            "finding_id": f"{rule}-{back:.0f}", "day": at.date(), "event_time": at, "rule": rule, "title": title,
            "severity": severity, "tactic": tactic, "technique_id": technique_id, "technique_name": technique_name,
            "actor": actor, "actor_type": "user" if actor else None, "target": target,
            "source_address": "203.0.113.7", "outcome": outcome, "provider": "aws", "account": "222",
            "region": "eu-west-1", "resource_id": resource, "action": rule, "occurrences": times,
            "evidence": [("userAgent", "aws-cli/2.15"), ("requestParameters", '{"name":"audit-trail"}')],
            "event_id": f"e-{rule}-{back:.0f}",
        }  # fmt: skip

    guess = ("Credential Access", "T1110.001", "Brute Force: Password Guessing")
    valid = ("Initial Access", "T1078.004", "Valid Accounts: Cloud Accounts")
    logs = ("Defense Evasion", "T1562.008", "Impair Defenses: Disable or Modify Cloud Logs")
    mallory, olive = "mallory@example.com", "arn:aws:iam::222:user/olive"
    return [
        finding(
            130, "brute_force", "high", guess, "203.0.113.7 failed to sign in 40 times within minutes", None,
            "console", times=40, outcome="failure",
        ),
        finding(
            121, "sign_in_without_mfa", "medium", valid,
            f"{mallory} signed in from 203.0.113.7 without a second factor", mallory, "console",
        ),
        finding(
            112, "trail_stopped", "critical", logs, f"{mallory} stopped the trail audit-trail of account 222", mallory,
            "arn:aws:cloudtrail:eu-west-1:222:trail/audit-trail",
        ),
        finding(
            104, "run_command", "medium", ("Execution", "T1651", "Cloud Administration Command"),
            f"{mallory} ran a command on web-03", mallory, "web-03", vm("web-03"),
        ),
        *(
            finding(
                60 * 24 * back + 30, "failed_sign_in", "low", ("Credential Access", "T1110", "Brute Force"),
                f"{olive} failed to sign in from 203.0.113.7", olive, "console", outcome="failure",
            )
            for back in (2, 3, 9, 16, 17)
        ),
        finding(
            60 * 24 * 9, "port_opened", "high", ("Initial Access", "T1133", "External Remote Services"),
            f"{olive} opened port 22 of db-01 to all", olive, "sg-0a1b2c3d", ec2("01"),
        ),
        finding(
            60 * 24 * 20, "role_granted", "info",
            ("Persistence", "T1098.003", "Account Manipulation: Additional Cloud Roles"),
            f"{olive} gave role ReadOnly to batch", olive, "role/batch",
        ),
    ]  # fmt: skip
