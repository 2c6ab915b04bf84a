"""Azure Log Analytics data export: the sign-in and audit logs of Entra ID, as tables of a workspace.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs and …/tables/auditlogs. They go
where the same logs go that a diagnostic setting sends: `resource_logs`.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of_any, table_name
from pipelines.sources.reading.severities import event_level_word, severity_number
from pipelines.sources.reading.variant import rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log

_TABLES = (
    "SigninLogs", "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs",
    "AuditLogs",
)  # fmt: skip
# TenantId is the workspace.
_TENANTS = ("AADTenantId", "ResourceTenantId", "HomeTenantId", "TenantId")


def decode(record: Column, part: Column, topic: Column) -> Log:
    table, level = table_name(record, topic), word(record, "Level")
    message = word(record, "ResultDescription", "ActivityDisplayName", "OperationName", "AppDisplayName")
    return Log(
        source=F.concat(F.lit("azure.log_analytics."), F.lower(table)),
        native_id=word(record, "_ItemId"),
        event_time=time(record, "TimeGenerated", "CreatedDateTime", "ActivityDateTime"),
        cloud_provider=F.lit("azure"),
        resource_id=F.concat(F.lit("/tenants/"), F.lower(word(record, *_TENANTS))),
        logger=table,
        severity_text=event_level_word(level),
        severity_number=severity_number(event_level_word(level)),
        message=F.coalesce(message, table),
        attributes=rest(record, *SHARED, "Level", "ResultDescription"),
    )


FAMILIES = (RecordFamily("azure.log_analytics.directory", is_row_of_any(*_TABLES), Log, decode),)
