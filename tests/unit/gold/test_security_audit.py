"""gold.security_audit: who did what that bears on security? Each test asks, of records of every shape at once."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from pipelines.gold.security.audit import EVENTS, LOGS, TABLE, findings, hits
from pipelines.gold.security.rules import security_rules
from tests.unit.gold.audit_records import (
    ROOT,
    call,
    directory_change,
    event_log,
    kubernetes,
    operation,
    sign_in,
    ssh,
    windows,
)
from tests.unit.gold.silver_rows import NOON, after, silver

WORLD = {"items": [{"cidrIp": "0.0.0.0/0"}]}
IPV6 = {"items": [{"cidrIpv6": "::/0"}]}


def ingress(low: int, high: int, ranges: Any, protocol: str = "tcp", **groups: Any) -> dict[str, Any]:
    permission = {"ipProtocol": protocol, "fromPort": low, "toPort": high, "ipRanges": ranges, "groups": groups}
    return {"groupId": "sg-1", "ipPermissions": {"items": [permission]}}


def nsg(ports: Any, source: str = "*", access: str = "Allow") -> dict[str, Any]:
    name = "destinationPortRanges" if isinstance(ports, list) else "destinationPortRange"
    return {"properties": {name: ports, "sourceAddressPrefix": source, "access": access, "direction": "Inbound"}}


ROLE = "Microsoft.Authorization/roleAssignments/write"
RULE = "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE"
OWNER = {"properties": {"roleDefinitionId": "/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "principalId": "p"}}
PUBLIC = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
DENIED = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}]}
ANYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
PRIVILEGED = {"securityContext": {"privileged": True}}
GUESSES = [
    call("ConsoleLogin", "signin", {"type": "IAMUser", "userName": "ann"}, outcome="failure", actor="ann",
         source_address="203.0.113.66", event_time=after(20 * number))
    for number in range(12)
]  # fmt: skip
SLOW = [
    windows(4625, "CORP\\slow", outcome="failure", source_address="10.9.9.9", event_time=after(3600 * number))
    for number in range(11)
]
TRIED = [ssh(f"Failed password for invalid user u{n} from 203.0.113.77 port 22 ssh2", after(60 * n)) for n in range(7)]
DELETED = [operation("Microsoft.Compute/disks/delete", actor="mallory", event_time=after(10 * n)) for n in range(25)]

# What AWS answers to a call that only asks whether it would be let.
DRY_RUN = {"outcome": "failure", "reason": "Client.DryRunOperation",
           "message": "Request would have succeeded, but DryRun flag is set."}  # fmt: skip
DEFENDER = "Microsoft-Windows-Windows Defender/Operational"

EVENT_CASES: dict[str, dict[str, Any]] = {
    "root call": call("DescribeRegions", "ec2", ROOT),
    "root sign-in": call("ConsoleLogin", "signin", ROOT, extra={"MFAUsed": "No"}),
    "root by a service": call("Decrypt", "kms", ROOT, source_address="cloudtrail.amazonaws.com"),
    "old root": call("CreateUser", "iam", {"type": "Root", "principalId": "1"}, actor="1"),
    "no mfa": call("ConsoleLogin", "signin", extra={"MFAUsed": "No"}),
    "mfa": call("ConsoleLogin", "signin", extra={"MFAUsed": "Yes"}),
    "federated no mfa": call("ConsoleLogin", "signin", {"type": "AssumedRole"}, extra={"MFAUsed": "No"}),
    "failed": call("ConsoleLogin", "signin", outcome="failure", reason="Failed authentication"),
    "stop": call("StopLogging", "cloudtrail", request={"name": "main"}),
    "stop lower": call("cloudtrail.amazonaws.com:stoplogging", "cloudtrail"),
    "stop without service": call("StopLogging", None, None),
    "stop of another": call("StopLogging", "redshift"),
    "stop refused": call("StopLogging", "cloudtrail", outcome="failure", reason="AccessDenied"),
    "azure stop": operation("MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE"),
    "flow logs": call("DeleteFlowLogs", "ec2"),
    "guard off": call("DeleteDetector", "guardduty"),
    "key": call("CreateAccessKey", request={"userName": "eve"}),
    "key for oneself": call("CreateAccessKey", request=None),
    "admin": call("AttachUserPolicy", request={"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    "inline": call("PutRolePolicy", request={"roleName": "r", "policyDocument": json.dumps(ANYTHING)}),
    "inline spaced": call("PutRolePolicy", request={"policyDocument": json.dumps(ANYTHING, indent=2)}),
    "inline small": call("PutRolePolicy", request={"policyDocument": json.dumps(PUBLIC)}),
    "azure owner": operation(ROLE, OWNER),
    "azure reader": operation(ROLE, {"properties": {"roleDefinitionId": "r"}}),
    "ssh open": call("AuthorizeSecurityGroupIngress", "ec2", request=ingress(22, 22, WORLD)),
    "range open": call("AuthorizeSecurityGroupIngress", "ec2", request=ingress(0, 4000, IPV6)),
    "all open": call("AuthorizeSecurityGroupIngress", "ec2", request=ingress(-1, -1, WORLD, "-1")),
    "old form": call("AuthorizeSecurityGroupIngress", "ec2",
                     request={"ipProtocol": "tcp", "fromPort": 3389, "toPort": 3389, "cidrIp": "0.0.0.0/0"}),
    "web open": call("AuthorizeSecurityGroupIngress", "ec2", request=ingress(443, 443, WORLD)),
    "office": call("AuthorizeSecurityGroupIngress", "ec2",
                   request=ingress(22, 22, {"items": [{"cidrIp": "192.0.2.0/24"}]})),
    "refused": call("AuthorizeSecurityGroupIngress", "ec2", request=ingress(22, 22, WORLD), outcome="failure"),
    "nsg": operation(RULE, nsg("22")),
    "nsg list": operation(RULE, nsg(["80", "3380-3390"], "Internet")),
    "nsg star": operation(RULE, nsg("*")),
    "nsg web": operation(RULE, nsg("443")),
    "nsg deny": operation(RULE, nsg("*", access="Deny")),
    "nsg office": operation(RULE, nsg("22", "192.0.2.0/24")),
    "public": call("PutBucketPolicy", "s3", request={"bucketName": "b", "bucketPolicy": PUBLIC}),
    "not public": call("PutBucketPolicy", "s3", request={"bucketName": "b", "bucketPolicy": DENIED}),
    "acl": call("PutBucketAcl", "s3", request={"bucketName": "b", "x-amz-acl": ["public-read"]}),
    "block off": call("DeleteBucketPublicAccessBlock", "s3", request={"bucketName": "b"}),
    "snapshot": call("ModifySnapshotAttribute", "ec2", request={
        "snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"group": "all"}]}}}),
    "snapshot back": call("ModifySnapshotAttribute", "ec2", request={
        "snapshotId": "snap-1", "createVolumePermission": {"remove": {"items": [{"group": "all"}]}}}),
    "secret": call("GetSecretValue", "secretsmanager", request={"secretId": "db"}),
    "version": call("AddPermission20150331v2", "lambda", request={"functionName": "f", "principal": "*"}),
    "cleared": windows(1102),
    "cleared by action": windows(None, action="1102 - The audit log was cleared."),
    "policy": windows(4719),
    "account": windows(4720, columns={"TargetAccount": "CORP\\new"}),
    "group": windows(4732, columns={"TargetUserName": "Administrators", "MemberName": "CN=eve"}),
    "plain group": windows(4732, columns={"TargetUserName": "Printers"}),
    "locked": windows(4740, columns={"TargetAccount": "CORP\\bob"}),
    "privileged": windows(4672),
    "machine": windows(4672, "CORP\\DC-1$"),
    "logon": windows(4624, columns={"LogonType": "3"}),
    "rdp": windows(4624, columns={"LogonType": "10"}),
    "xml": windows(4625, None, outcome="failure", message="<EventData><Data Name='TargetUserName'>zoe</Data>"
                   "<Data Name='IpAddress'>10.1.1.1</Data></EventData>"),
    "dry run": call("RunInstances", "ec2", ROOT, **DRY_RUN),
    "dry password": call("GetPasswordData", "ec2", request={"instanceId": "i-1"}, **DRY_RUN),
    "dry refused": call("GetPasswordData", "ec2", outcome="failure", reason="Client.UnauthorizedOperation"),
    "password": call("GetPasswordData", "ec2", request={"instanceId": "i-1"}),
    "command": call("SendCommand", "ssm"),
    "command refused": call("SendCommand", "ssm", outcome="failure", reason="AccessDeniedException"),
    "command wrong": call("SendCommand", "ssm", outcome="failure", reason="InvalidInstanceId"),
    "role refused": call("AssumeRole", "sts", outcome="failure", reason="AccessDenied"),
    "role": call("AssumeRole", "sts", request={"roleArn": "arn:aws:iam::444455556666:role/r"}),
    "cleared, security": windows(1102, columns={"Channel": "Security"}),
    "1102 of another log": windows(1102, columns={"Channel": "Microsoft-Windows-AppLocker/EXE and DLL"}),
    "104 of security": windows(104, columns={"Channel": "Security"}),
    "forwarded system": windows(104, columns={"Channel": "System"}, source="windows.event"),
    "forwarded other": windows(1102, columns={"Channel": "System"}, source="windows.event"),
    "read": call("DescribeInstances", "ec2"),
    "nothing": {"event_time": NOON, "source": "aws.cloudtrail", "resource_id": "r", "action": "x"},
    "azure nothing": {"event_time": NOON, "source": "azure.activity_log", "resource_id": "r", "action": "x"},
    "windows nothing": {"event_time": NOON, "source": "azure.log_analytics.securityevent", "resource_id": "r"},
    "not json": call("StopLogging", "cloudtrail", attributes={
        "userIdentity": "{broken", "requestParameters": "[", "eventSource": "cloudtrail.amazonaws.com"}),
    "guard": {"event_time": NOON, "source": "aws.eventbridge", "resource_id": "r", "action": "GuardDuty Finding"},
    **{f"guess {number}": row for number, row in enumerate(GUESSES)},
    **{f"slow {number}": row for number, row in enumerate(SLOW)},
    **{f"deleted {number}": row for number, row in enumerate(DELETED)},
    "started": operation("Microsoft.KeyVault/vaults/delete", correlation="c-1", outcome=None),
    "ended": operation("microsoft.keyvault/vaults/delete", correlation="c-1", event_time=after(3)),
    "tried": operation("Microsoft.KeyVault/vaults/delete", correlation="c-2", outcome=None),
    "failed in the end": operation("Microsoft.KeyVault/vaults/delete", correlation="c-2", outcome="failure"),
}  # fmt: skip
LOG_CASES: dict[str, dict[str, Any]] = {
    "entra wrong": sign_in(result="50126"),
    "entra interrupt": sign_in(result="50140"),
    "entra one factor": sign_in(authenticationRequirement="singleFactorAuthentication"),
    "entra two": sign_in(authenticationRequirement="multiFactorAuthentication"),
    "global admin": directory_change("Add member to role", targetResources=[
        {"userPrincipalName": "eve@example.com", "modifiedProperties": [{"newValue": '"Global Administrator"'}]}]),
    "mfa off": directory_change("Disable Strong Authentication"),
    "policy off": directory_change("Delete conditional access policy", targetResources=[{"displayName": "MFA"}]),
    "credential": directory_change("Update application – Certificates and secrets management "),
    "failed change": directory_change("Add member to role", "failure"),
    "exec": kubernetes("create", "pods/exec"),
    "cluster admin": kubernetes("create", "clusterrolebindings", request={"roleRef": {"name": "cluster-admin"}}),
    "privileged pod": kubernetes("create", "pods", request={"spec": {"containers": [PRIVILEGED]}}),
    "anonymous": kubernetes("list", "pods", "system:anonymous", 200),
    "anonymous refused": kubernetes("list", "pods", "system:anonymous", 403),
    "secrets": kubernetes("list", "secrets"),
    "scheduler": kubernetes("create", "pods/binding", "system:kube-scheduler"),
    "broken audit": {**kubernetes("get", "pods"), "message": '{"apiVersion":"audit.k8s.io/v1","verb":'},
    "vault": {"event_time": NOON, "source": "azure.resource_logs", "logger": "AuditEvent",
              "resource_id": "/subscriptions/s/providers/microsoft.keyvault/vaults/v", "message": "{}",
              "attributes": {"operationName": "SecretGet", "resultSignature": "OK", "callerIpAddress": "192.0.2.1"}},
    "system log": {"event_time": NOON, "source": "azure.log_analytics.event", "resource_id": "web-1",
                   "message": "The log file was cleared.", "attributes": {"EventID": "104", "EventLog": "System"}},
    "1102 in system": event_log(1102, "System"),
    "defender off": event_log(5001, DEFENDER),
    "5001 in system": event_log(5001, "System"),
    "firewall rule": event_log(2004, "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"),
    "2004 of another log": event_log(2004, "Microsoft-Windows-Resource-Exhaustion-Detector/Operational"),
    "audit stopped": event_log(1100, "Security"),
    "root by ssh": ssh("Accepted publickey for root from 192.0.2.50 port 4 ssh2: RSA"),
    "no text": {"event_time": NOON, "source": "syslog", "resource_id": "web-1", "logger": "sshd"},
    **{f"tried {number}": row for number, row in enumerate(TRIED)},
}  # fmt: skip


class Found:
    """All findings, by the case that they come from."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def of(self, case: str) -> dict[str, Row]:
        return {row["rule"]: row for row in self.rows if row["event_id"] == case}

    def rules(self, *cases: str) -> dict[str, set[str]]:
        return {case: set(self.of(case)) for case in cases}

    def by(self, rule: str) -> list[Row]:
        return [row for row in self.rows if row["rule"] == rule]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Found:
    events, logs = (
        silver(spark, table, [{"event_id": name, **row} for name, row in cases.items()])
        for table, cases in ((EVENTS, EVENT_CASES), (LOGS, LOG_CASES))
    )
    # Delivered twice, found once.
    matched = hits(events.union(events.limit(5)), logs, security_rules()).localCheckpoint()
    rows = findings(matched, security_rules())
    assert tuple(rows.columns) == TABLE.column_names
    return Found(rows.collect())


def test_who_opened_port_22_to_the_world(found: Found) -> None:
    opened = {row["event_id"]: row for row in found.by("admin_port_open_to_world")}

    assert set(opened) == {"ssh open", "range open", "all open", "old form", "nsg", "nsg list", "nsg star"}
    ours = opened["ssh open"]
    assert (ours["actor"], ours["source_address"], ours["severity"]) == (
        "arn:aws:iam::111122223333:user/ann", "192.0.2.7", "critical",
    )  # fmt: skip
    assert ours["title"] == "arn:aws:iam::111122223333:user/ann opened a sensitive port of sg-1 to the whole internet"
    assert (ours["technique_id"], ours["tactic"]) == ("T1562.007", "Defense Evasion")
    assert (opened["nsg"]["actor"], opened["nsg"]["provider"]) == ("bob@example.com", "azure")
    assert {row["event_id"] for row in found.by("port_open_to_world")} == {"web open", "nsg web"}
    # What says less of the same change is not said besides.
    assert {"office", "nsg deny", "nsg office"} == {row["event_id"] for row in found.by("firewall_changed")}


def test_was_logging_turned_off_and_by_whom(found: Found) -> None:
    off = {row["event_id"]: row["actor"] for row in found.by("cloud_logging_disabled")}

    ann, bob = "arn:aws:iam::111122223333:user/ann", "bob@example.com"
    assert off == {
        "stop": ann, "stop lower": ann, "stop without service": None, "azure stop": bob, "flow logs": ann,
        "not json": ann,
    }  # fmt: skip
    assert found.of("stop")["cloud_logging_disabled"]["technique_name"] == (
        "Impair Defenses: Disable or Modify Cloud Logs"
    )
    assert set(found.of("stop refused")) == {"refused_disabling_of_logging"}
    assert set(found.of("guard off")) == {"security_tool_disabled"}
    assert {row["event_id"] for row in found.by("log_cleared")} == {
        "cleared", "cleared by action", "system log", "cleared, security", "forwarded system",
    }  # fmt: skip
    assert set(found.of("policy")) == {"audit_policy_changed"}


def test_a_number_of_windows_counts_in_its_log_alone(found: Found) -> None:
    others = ("1102 of another log", "104 of security", "forwarded other", "1102 in system", "5001 in system",
              "2004 of another log")  # fmt: skip

    assert found.rules(*others) == {case: set() for case in others}
    assert found.rules("defender off", "firewall rule", "audit stopped") == {
        "defender off": {"security_tool_disabled"}, "firewall rule": {"host_firewall_changed"},
        "audit stopped": {"audit_policy_changed"},
    }  # fmt: skip


def test_what_was_only_tried_is_told_from_what_was_done(found: Found) -> None:
    assert found.rules("dry run", "dry password", "command wrong", "role") == {
        "dry run": set(), "dry password": set(), "command wrong": set(), "role": set(),
    }  # fmt: skip
    assert found.rules("password", "command") == {
        "password": {"instance_password_read"}, "command": {"command_run_remotely"},
    }  # fmt: skip
    refused = {"dry refused": "instance_password_refused", "command refused": "remote_command_refused",
               "role refused": "role_refused"}  # fmt: skip
    assert {case: {rule: row["outcome"] for rule, row in found.of(case).items()} for case in refused} == {
        case: {rule: "failure"} for case, rule in refused.items()
    }


def test_which_address_tried_passwords(found: Found) -> None:
    [guessing] = found.by("brute_force")
    [spraying] = found.by("password_spray")

    assert (guessing["source_address"], guessing["occurrences"], guessing["actor"]) == ("203.0.113.66", 12, "ann")
    assert (guessing["event_id"], guessing["event_time"].minute) == ("guess 0", 0)
    assert guessing["title"] == "203.0.113.66 failed to sign in 12 times within minutes"
    assert (spraying["source_address"], spraying["occurrences"], spraying["actor"]) == ("203.0.113.77", 7, None)
    assert spraying["evidence"]["distinct_actors"] == "7"
    assert spraying["evidence"]["actors"] == "u0, u1, u2, u3, u4, u5, u6"
    assert (guessing["technique_id"], spraying["technique_id"]) == ("T1110.001", "T1110.003")


def test_which_sign_ins_failed(found: Found) -> None:
    failed = {row["event_id"]: row for row in found.by("failed_sign_in")}

    assert {"failed", "guess 3", "slow 2", "tried 1", "entra wrong", "xml"} <= set(failed)
    assert not {"entra interrupt", "mfa", "logon", "no text"} & set(failed)
    assert (failed["xml"]["actor"], failed["xml"]["source_address"]) == ("zoe", "10.1.1.1")
    assert (failed["entra wrong"]["actor"], failed["entra wrong"]["outcome"]) == ("eve@example.com", "failure")


def test_who_signed_in_without_a_second_factor(found: Found) -> None:
    assert {row["event_id"] for row in found.by("sign_in_without_mfa")} == {
        "root sign-in", "no mfa", "entra one factor",
    }  # fmt: skip


def test_was_the_root_user_used(found: Found) -> None:
    assert {row["event_id"] for row in found.by("root_use")} == {"root call", "old root"}
    assert {row["event_id"] for row in found.by("root_sign_in")} == {"root sign-in"}
    assert found.of("root call")["root_use"]["actor_type"] == "root"


def test_who_became_an_administrator_and_who_made_it_so(found: Found) -> None:
    given = {row["event_id"]: row for row in found.by("admin_rights_given")}

    assert set(given) == {"admin", "inline", "inline spaced", "azure owner", "global admin", "cluster admin"}
    assert (given["global admin"]["actor"], given["global admin"]["target"]) == ("admin@example.com", "eve@example.com")
    assert given["global admin"]["source_address"] == "203.0.113.9"
    assert {"inline small", "azure reader"} <= {row["event_id"] for row in found.by("rights_changed")}
    assert [row["event_id"] for row in found.by("group_membership_given")] == ["group"]
    assert "failed change" not in {row["event_id"] for row in found.rows}


def test_which_credentials_were_made(found: Found) -> None:
    made = {row["event_id"]: row["target"] for row in found.by("access_key_created")}

    assert made == {"key": "eve", "key for oneself": None, "credential": None}
    assert found.of("account")["local_user_created"]["target"] == "CORP\\new"
    assert "?" in found.of("key for oneself")["access_key_created"]["title"]


def test_what_was_made_public_or_given_away(found: Found) -> None:
    assert {row["event_id"] for row in found.by("storage_made_public")} == {"public", "acl", "block off", "version"}
    assert {row["event_id"] for row in found.by("snapshot_shared")} == {"snapshot"}
    assert found.of("snapshot")["snapshot_shared"]["target"] == "snap-1"


def test_who_read_secrets(found: Found) -> None:
    assert {row["event_id"]: row["target"] for row in found.by("secret_read")} == {
        "secret": "db", "vault": None, "secrets": "shop/web",
    }  # fmt: skip


def test_who_deleted_many_things(found: Found) -> None:
    [deleted] = found.by("mass_deletion")

    assert (deleted["actor"], deleted["occurrences"], deleted["technique_id"]) == ("mallory", 25, "T1485")


def test_how_an_operation_of_azure_ended_stands_for_all_its_records(found: Found) -> None:
    assert {row["event_id"] for row in found.by("key_destroyed")} == {"ended"}


def test_what_happened_in_clusters(found: Found) -> None:
    assert found.rules("exec", "privileged pod", "anonymous", "anonymous refused", "scheduler") == {
        "exec": {"exec_into_pod"}, "privileged pod": {"privileged_pod"}, "anonymous": {"anonymous_access"},
        "anonymous refused": set(), "scheduler": set(),
    }  # fmt: skip
    assert found.of("exec")["exec_into_pod"]["source_address"] == "198.51.100.9"


def test_what_happened_on_windows_and_in_the_directory(found: Found) -> None:
    assert found.rules("privileged", "machine", "logon", "rdp", "locked", "plain group", "mfa off", "policy off") == {
        "privileged": {"privileged_sign_in"}, "machine": set(), "logon": set(), "rdp": {"remote_desktop_sign_in"},
        "locked": {"sign_in_blocked"}, "plain group": {"group_membership_changed"}, "mfa off": {"mfa_removed"},
        "policy off": {"conditional_access_changed"},
    }  # fmt: skip
    assert set(found.of("root by ssh")) == {"privileged_sign_in"}


def test_what_is_no_finding_or_says_nothing_is_left_alone(found: Found) -> None:
    quiet = ("read", "nothing", "azure nothing", "windows nothing", "stop of another", "root by a service", "no text",
             "broken audit", "mfa", "federated no mfa", "entra two", "tried", "failed in the end")  # fmt: skip

    assert found.rules(*quiet) == {case: set() for case in quiet}
    assert found.of("guard")["guard_finding"]["technique_id"] is None


def test_every_finding_is_complete_and_there_once(found: Found) -> None:
    required = [column.name for column in TABLE.columns if column.required]

    assert len({row["finding_id"] for row in found.rows}) == len(found.rows)
    assert all(row[name] is not None for row in found.rows for name in required)
    assert {row["day"] for row in found.rows} == {date(2026, 3, 2)}
