"""All families that are decoded batch by batch. The first that claims a record has it."""

from __future__ import annotations

from pipelines.sources.aws import (
    autoscaling,
    cloudtrail,
    cloudwatch_logs,
    container_insights,
    embedded_metrics,
    eventbridge,
    spot_prices,
)
from pipelines.sources.aws import notifications as aws_notifications
from pipelines.sources.azure import activity as azure_activity
from pipelines.sources.azure import alerts as azure_alerts
from pipelines.sources.azure import (
    application_insights,
    log_analytics_changes,
    log_analytics_directory,
    log_analytics_events,
    log_analytics_items,
    log_analytics_logs,
    log_analytics_metrics,
)
from pipelines.sources.azure import platform_metrics as azure_metrics
from pipelines.sources.azure import resource_logs as azure_resource_logs
from pipelines.sources.collectd import graphite, putval
from pipelines.sources.collectd import values as collectd
from pipelines.sources.costs import azure_export as azure_costs
from pipelines.sources.costs import cur as aws_costs
from pipelines.sources.costs import focus as costs
from pipelines.sources.kubernetes import audit as kubernetes_audit
from pipelines.sources.kubernetes import events as kubernetes_events
from pipelines.sources.otlp import logs as otlp_logs
from pipelines.sources.otlp import metrics as otlp_metrics
from pipelines.sources.prometheus import api as prometheus_api
from pipelines.sources.prometheus import exposition
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.syslog import json_lines as syslog_json
from pipelines.sources.syslog import messages as syslog
from pipelines.sources.windows import events as windows_events

RECORD_FAMILIES: tuple[RecordFamily, ...] = (
    *log_analytics_logs.FAMILIES,
    *log_analytics_metrics.FAMILIES,
    *log_analytics_items.FAMILIES,
    *log_analytics_changes.FAMILIES,
    *log_analytics_events.FAMILIES,
    *log_analytics_directory.FAMILIES,
    *application_insights.FAMILIES,
    *azure_alerts.FAMILIES,
    *azure_metrics.FAMILIES,
    *azure_activity.FAMILIES,
    # After the activity log, which has the same frame.
    *azure_resource_logs.FAMILIES,
    # Before the logs that they are sent as.
    *container_insights.FAMILIES,
    *embedded_metrics.FAMILIES,
    *cloudwatch_logs.FAMILIES,
    # Before the envelope that its records may come in.
    *cloudtrail.FAMILIES,
    *eventbridge.FAMILIES,
    *autoscaling.FAMILIES,
    *aws_notifications.FAMILIES,
    *spot_prices.FAMILIES,
    *costs.FAMILIES,
    *aws_costs.FAMILIES,
    *azure_costs.FAMILIES,
    *otlp_metrics.FAMILIES,
    *otlp_logs.FAMILIES,
    *kubernetes_audit.FAMILIES,
    *kubernetes_events.FAMILIES,
    *windows_events.FAMILIES,
    *collectd.FAMILIES,
    *prometheus_api.FAMILIES,
    # Lines of text, each told by its own form.
    *putval.FAMILIES,
    *exposition.FAMILIES,
    *graphite.FAMILIES,
    *syslog.FAMILIES,
    # The names that it is told by are those of many others' logs as well.
    *syslog_json.FAMILIES,
)
