"""The Azure activity log: what was done to resources, and what Azure says of their health, scaling and policies.

https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema. It comes in three forms: of a diagnostic
setting (`category`, `operationName`, `identity`), of the REST API and of alerts (`eventDataId`, names as objects with a
`value`), and as rows of the Log Analytics table AzureActivity (`OperationName`, by now `OperationNameValue`).
"""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import is_row_of
from pipelines.sources.azure.resource_ids import (
    RESOURCE_IDS,
    TIMES,
    has,
    place,
    place_taken,
    resource_id,
    tenant,
    time_of,
)
from pipelines.sources.reading.hoist import kept, once
from pipelines.sources.reading.severities import event_level_word
from pipelines.sources.reading.variant import kept_json, left_over, member, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

# The log's own categories → ours.
_CATEGORIES = {
    "administrative": "audit", "security": "security", "servicehealth": "health", "resourcehealth": "health",
    "alert": "alert", "autoscale": "scaling", "policy": "policy", "recommendation": "recommendation",
}  # fmt: skip
# What the log had as category until 2018: the kind of the operation, which is also the end of its name.
_KINDS = dict.fromkeys(("write", "delete", "action"), "audit")
_OUTCOMES = {
    "success": "success", "succeeded": "success", "succeed": "success", "completed": "success", "failure": "failure",
    "failed": "failure", "fail": "failure", "canceled": "failure", "cancelled": "failure", "error": "failure",
}  # fmt: skip
_CATEGORY = ("category.value", "category", "CategoryValue", "Category", "Category.value")
# In the event of an alert, the category is its source.
_SOURCE = ("eventSource.value", "eventSource")
_OPERATION = ("operationName.value", "operationName", "OperationNameValue", "OperationName")
_STATUS = ("status.value", "status", "ActivityStatusValue", "ActivityStatus", "resultType", "ResultType")
_CODE = ("subStatus.value", "subStatus", "ActivitySubstatusValue", "ActivitySubstatus", "resultSignature")
_ADDRESS = ("callerIpAddress", "CallerIpAddress", "httpRequest.clientIpAddress")
_CALLER = ("caller", "Caller")
_LEVEL = ("level", "Level")
_DESCRIPTIONS = ("resultDescription", "description", "Description")
_NATIVE_ID = ("eventDataId", "EventDataId", "_ItemId")
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_WHO = (f"{_CLAIMS}upn", f"{_CLAIMS}emailaddress", f"{_CLAIMS}name", f"{_CLAIMS}spn", "name", "appid")


def claims_exported(record: Column, topic: Column) -> Column:
    def is_known(category: Column) -> Column:
        # An operation that is none of these is another service's own category.
        of_kind = category.isin(*_KINDS) & F.lower(word(record, *_OPERATION)).endswith(F.concat(F.lit("/"), category))
        return category.isin(*_CATEGORIES) | of_kind

    is_placed = has(record, *RESOURCE_IDS, "operationName", "OperationName")
    known = once(F.lower(word(record, *_CATEGORY)), is_known)
    return known & is_placed & has(record, *TIMES) & ~has(record, "TimeGenerated")


def claims_event_data(record: Column, topic: Column) -> Column:
    return has(record, "eventDataId") & has(record, "operationName")


def decode(record: Column, part: Column, topic: Column) -> Event:
    return _decode(record, F.lit("azure.activity_log"))


def decode_row(record: Column, part: Column, topic: Column) -> Event:
    return _decode(record, F.lit("azure.log_analytics.azureactivity"))


def _decode(record: Column, source: Column) -> Event:
    details = _json(record, "properties", "Properties_d", "Properties")
    category, operation, level = (word(record, *names) for names in ((*_CATEGORY, *_SOURCE), _OPERATION, _LEVEL))
    resource = F.coalesce(resource_id(record), F.lower(word(record, "identity.authorization.scope")), tenant(record))
    address = F.coalesce(word(record, *_ADDRESS), word(_json(record, "HTTPRequest"), "clientIpAddress"))
    message = F.coalesce(word(record, *_DESCRIPTIONS), _message(details))
    taken = place_taken(record, resource) | {
        names: word(record, *names) for names in (TIMES, _LEVEL, _ADDRESS, _CALLER, _NATIVE_ID, _DESCRIPTIONS)
    }
    taken |= {("operationName", "OperationNameValue", "OperationName"): operation}
    return Event(
        **place(record, resource),
        source=source,
        native_id=word(record, *_NATIVE_ID),
        event_time=time_of(record),
        category=F.coalesce(_known(category, _CATEGORIES | _KINDS), F.lower(category), F.lit("audit")),
        action=operation,
        actor=F.coalesce(word(record, *_CALLER), _actor(record)),
        outcome=_known(word(record, *_STATUS), _OUTCOMES),
        reason=F.coalesce(_cause(details), word(record, *_CODE)),
        message=message,
        severity_text=event_level_word(level),
        source_address=address,
        attributes=left_over(record, taken, "Type"),
    )


def _known(word_: Column, words: dict[str, str]) -> Column:
    pairs = F.create_map(*chain.from_iterable((F.lit(theirs), F.lit(ours)) for theirs, ours in words.items()))
    return pairs[F.lower(word_)]


def _json(record: Column, *names: str) -> Column:
    """An object, be it sent as one or as JSON text."""
    return kept_json(kept(text(record, *names)))


def _actor(record: Column) -> Column:
    """Who holds the token, by the best name there is. `identity` is an object, a name, or left out."""

    def named(claims: Column) -> Column:
        return F.coalesce(*(F.nullif(F.btrim(text(claims, name)), F.lit("")) for name in _WHO))

    claims = F.coalesce(member(record, "identity.claims"), _json(record, "claims", "Claims_d", "Claims"))
    plain = word(record, "identity", "Identity")
    return F.coalesce(
        named(kept(claims)),
        word(record, "identity.authorization.evidence.principalId"),
        F.when(~F.startswith(plain, F.lit("{")), plain),
    )


def _message(details: Column) -> Column:
    return word(
        details, "title", "message", "Message", "description", "Description", "eventProperties.details",
        "statusMessage", "Title",
    )  # fmt: skip


def _cause(details: Column) -> Column:
    """The error's code in `statusMessage`, mostly the answer of the resource as JSON text; or the cause of an event."""
    code = word(_json(details, "statusMessage"), "error.code", "Error.Code", "code", "Code")
    return F.coalesce(code, word(details, "cause", "eventProperties.cause", "incidentType"))


FAMILIES = (
    RecordFamily("azure.log_analytics.azureactivity", is_row_of("AzureActivity"), Event, decode_row),
    RecordFamily("azure.activity_log_event", claims_event_data, Event, decode),
    RecordFamily("azure.activity_log", claims_exported, Event, decode),
)
