"""What machines wrote down: the security log of Windows, and who signed in by ssh."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.security.rules import Kind
from pipelines.gold.security.shape import attribute, evidence, first_word, matches, shaped

_NUMBER = r"^\s*(?:Event ?ID\s*)?(\d{3,5})\b"
# Fields of EventData that name whom it was done to.
_TARGETS = ("TargetUserName", "TargetAccount", "MemberName", "TargetSid", "ServiceName", "TaskName", "ObjectName")
# Logs (channels) and what rules call them: an event's number says nothing without its log.
_WINDOWS_LOGS = {
    "security": "security",
    "system": "system",
    "microsoft-windows-windows defender/operational": "defender",
    "microsoft-windows-windows firewall with advanced security/firewall": "firewall",
}
_ADDRESS = r"from (?:::ffff:)?([0-9a-fA-F.:]+)"
_SSH_USER = r"(?:for|user) (?:invalid user |illegal user )?(\S+) from"


def security_events(events: DataFrame) -> DataFrame:
    """Rows of silver.events → events by log and number, in the common shape.

    SecurityEvent is of the security log (and AppLocker's), also where a row has no `Channel`.
    """
    table = "azure.log_analytics.securityevent"
    of_table = F.when(F.col("source") == table, "security")
    rows = events.where(F.col("source").isin(table, "windows.event"))
    return _windows(rows, F.coalesce(attribute("Channel"), of_table))


def _windows(rows: DataFrame, log: Column) -> DataFrame:
    text = F.col("message")
    number = F.coalesce(attribute("EventID", "EventId"), _part(F.col("action"), _NUMBER))
    subject = F.coalesce(
        attribute("Account", "SubjectAccount", "SubjectUserName"), _field(text, "SubjectUserName"), F.col("actor")
    )
    signer = F.coalesce(
        attribute("TargetAccount", "TargetUserName"), _field(text, "TargetUserName"), attribute("Account"), subject
    )
    # Of a sign-in it is the one who signs in, of all else the one who did it.
    is_sign_in = number.isin("4624", "4625", "4776", "4771", "4768")
    actor = F.when(is_sign_in, signer).otherwise(F.coalesce("actor", subject))
    address = F.coalesce(
        "source_address", attribute("IpAddress", "SourceNetworkAddress"), _field(text, "IpAddress"),
        attribute("WorkstationName", "Workstation"), _field(text, "WorkstationName"),
    )  # fmt: skip
    return shaped(
        rows,
        Kind.WINDOWS,
        number,
        evidence(
            "EventID", "LogonType", "LogonTypeName", "LogonProcessName", "AuthenticationPackageName", "Process",
            "PrivilegeList", "Status", "SubStatus", "MemberName", "TargetSid", "CommandLine", "ServiceFileName",
            "SubcategoryGuid", "AuditPolicyChanges", message=text, computer=F.col("host_name"),
        ),
        service=_log_name(F.lower(log)),
        actor=actor,
        actor_type=F.coalesce(
            first_word(
                (matches(actor, r"\$$"), "machine"),
                (matches(actor, r"(^|\\)(system|local service|network service|anonymous logon)$"), "system"),
            ),
            F.lit("user"),
        ),
        target=F.coalesce(*(attribute(name) for name in _TARGETS), *(_field(text, name) for name in _TARGETS)),
        source_address=F.when(address != "-", address),
        request=F.coalesce(attribute("LogonType"), _field(text, "LogonType")),
    )  # fmt: skip


def windows_logs(logs: DataFrame) -> DataFrame:
    """Rows of silver.logs, table Event, of the logs that matter → the same; an event log knows no outcome."""
    rows = logs.where(
        (F.col("source") == "azure.log_analytics.event") & F.lower(attribute("EventLog")).isin(*_WINDOWS_LOGS)
    )
    about = {
        "action": F.concat_ws(" ", attribute("EventID"), F.substring("message", 1, 200)),
        "actor": attribute("UserName"),
        "outcome": F.when(attribute("EventID") == "4625", "failure"),
        "reason": F.lit(None).cast("string"),
        "source_address": F.lit(None).cast("string"),
    }
    return _windows(rows.withColumns(about), attribute("EventLog"))


def _log_name(log: Column) -> Column:
    """What rules call a log; others keep their own names, which no rule has."""
    named = (F.when(log == channel, F.lit(name)) for channel, name in _WINDOWS_LOGS.items())
    return F.coalesce(*named, log)


def ssh(logs: DataFrame) -> DataFrame:
    """Rows of silver.logs that sshd wrote of sign-ins → the common shape."""
    message = F.col("message")
    name = first_word(
        (matches(message, r"^\s*(Failed \w+(/\w+)? for|Invalid user|Illegal user)"), "failed"),
        (matches(message, r"^\s*Accepted \w+"), "accepted"),
    )
    rows = logs.where(
        F.rlike("logger", F.lit("(?i)^sshd")) & F.rlike("message", F.lit("^\\s*(Failed|Accepted|Inv|Ill)"))
    )
    return shaped(
        rows,
        Kind.SSH,
        name,
        evidence("pid", "ProcessID", message=message, computer=F.col("host_name")),
        service=F.lit("sshd"),
        action=name,
        actor=_part(message, _SSH_USER),
        actor_type=F.lit("user"),
        target=F.col("host_name"),
        outcome=F.when(name == "failed", "failure").otherwise("success"),
        source_address=_part(message, _ADDRESS),
        request=message,
    )


def _field(text: Column, name: str) -> Column:
    """A field of EventData, as XML or as `name: value`."""
    xml, plain = rf"Name=[\"']{name}[\"']>([^<]+)<", rf"(?m)\b{name}\s*[:=]\s*([^\r\n,;]+)$"
    said = F.coalesce(_part(text, xml), _part(text, plain))
    return F.nullif(F.trim(said), F.lit("-"))


def _part(text: Column, pattern: str) -> Column:
    return F.nullif(F.regexp_extract(text, pattern, 1), F.lit(""))
