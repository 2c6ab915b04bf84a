"""Application Insights: its tables through a diagnostic setting and through Log Analytics."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode

COMPONENT = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.INSIGHTS/COMPONENTS/SHOP"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def row(table: str, **columns: Any) -> dict[str, Any]:
    return {
        "Type": table, "time": "2026-03-02T09:03:00.0000000Z", "resourceId": COMPONENT, "AppRoleName": "api",
        "AppRoleInstance": "Pod-1", **columns,
    }  # fmt: skip


def test_what_becomes_of_each_table(decode: Decode) -> None:
    records = [
        row("AppTraces", Message="paid", SeverityLevel=2, OperationId=TRACE, ParentId=SPAN, Properties={"a": 1}),
        row("AppRequests", Name="GET /", Id=SPAN.upper(), OperationId=TRACE, DurationMs=15.5, Success=True),
        row("AppExceptions", OuterMessage="boom", ProblemId="x", SeverityLevel="Error", OperationId="|old.1"),
        {"Type": "AppTraces", "TimeGenerated": "2026-03-02T09:03:00Z", "_ResourceId": COMPONENT, "Name": "n"},
        row("AppMetrics", Name="queue", Sum=6, Min=1, Max=3, ItemCount=3, Properties='{"shard":"7"}', IKey="k"),
        row("AppPerformanceCounters", Name="% CPU", Category="Processor", Value=12.5, Instance="_Total"),
        row("AppMetrics", Name="queue", Sum="many"),
        row("AppMetrics", Name="queue"),
        row("AppTraces", SeverityLevel=1),
        row("AppUnheardOf", Message="m"),
    ]  # fmt: skip

    [found] = decode({"records": records})

    traced, request, thrown, exported = (one for one in found if one.table == "logs")
    assert (traced.message, traced.severity_text, traced.severity_number) == ("paid", "Warning", 13)
    assert (traced.trace_id, traced.span_id, traced.logger, traced.host_name) == (TRACE, SPAN, "api", "pod-1")
    assert traced.attributes == {"OperationId": TRACE, "ParentId": SPAN, "Properties": '{"a":1}'}
    assert (request.message, request.span_id, request.source) == (
        "GET /",
        SPAN,
        "azure.application_insights.apprequests",
    )
    assert (request.attributes["DurationMs"], request.attributes["Success"]) == ("15.5", "true")
    assert (thrown.message, thrown.severity_number, thrown.trace_id) == ("boom", 17, None)
    assert (exported.message, exported.resource_id) == ("n", COMPONENT.lower())
    metric, counter = (one for one in found if one.table == "metrics")
    assert (metric.value, metric.total, metric.sample_count, metric.metric) == (2.0, 6.0, 3.0, "queue")
    assert metric.dimensions == {"shard": "7", "AppRoleName": "api", "AppRoleInstance": "Pod-1"}
    assert (metric.attributes, metric.namespace) == ({"IKey": "k"}, "microsoft.insights/components")
    assert (counter.value, counter.namespace, counter.dimensions["Instance"]) == (12.5, "Processor", "_Total")
    assert [one.reason for one in found if one.table == "quarantine"] == [
        "bad_value", "no_value", "no_message", "unknown_envelope",
    ]  # fmt: skip


messages = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(messages, min_size=30, max_size=60))
def test_any_message_arrives_as_it_was_written(decode: Decode, texts: list[str]) -> None:
    [found] = decode([row("AppTraces", Message=text) for text in texts])

    assert [one.message for one in found] == texts
