"""All families that are decoded batch by batch. The first that claims a record has it."""

from __future__ import annotations

from pipelines.sources import (
    application_insights,
    autoscaling,
    aws_notifications,
    azure_activity,
    azure_alerts,
    azure_metrics,
    azure_resource_logs,
    cloudtrail,
    cloudwatch_logs,
    collectd,
    container_insights,
    costs,
    embedded_metrics,
    eventbridge,
    exposition,
    graphite,
    kubernetes_events,
    log_analytics_changes,
    log_analytics_events,
    log_analytics_inventory,
    log_analytics_logs,
    log_analytics_metrics,
    otlp_logs,
    otlp_metrics,
    prometheus_api,
    putval,
    spot_prices,
    syslog,
    syslog_json,
)
from pipelines.sources.record_family import RecordFamily

RECORD_FAMILIES: tuple[RecordFamily, ...] = (
    *log_analytics_logs.FAMILIES,
    *log_analytics_metrics.FAMILIES,
    *log_analytics_inventory.FAMILIES,
    *log_analytics_changes.FAMILIES,
    *log_analytics_events.FAMILIES,
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
    *otlp_metrics.FAMILIES,
    *otlp_logs.FAMILIES,
    *kubernetes_events.FAMILIES,
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
