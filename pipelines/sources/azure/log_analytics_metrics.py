"""Azure Log Analytics data export, table InsightsMetrics: what VM insights and Container insights measure.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/insightsmetrics
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of, shared
from pipelines.sources.reading.hoist import kept
from pipelines.sources.reading.values import finite, to_number
from pipelines.sources.reading.variant import members, none_if_empty, parse_whole, rest, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric


def decode_insights_metrics(record: Column, part: Column, topic: Column) -> Metric:
    name, value = word(record, "Name"), word(record, "Val")
    tags = kept(F.coalesce(members(record, "Tags"), members(parse_whole(word(record, "Tags")))))
    number = finite(to_number(value))
    return Metric(
        **shared("InsightsMetrics", record),
        event_time=time(record, "TimeGenerated"),
        namespace=word(record, "Namespace"),
        metric=name,
        unit=_unit(name),
        value=number,
        dimensions=none_if_empty(F.map_filter(tags, lambda _, tag: tag.isNotNull())),
        attributes=rest(record, *SHARED, "Namespace", "Name", "Val", "Tags"),
        unusable=F.coalesce(
            F.when(value.isNotNull() & number.isNull(), "bad_value"),
            F.when(word(record, "Tags").isNotNull() & tags.isNull(), "bad_dimensions"),
        ),
    )


def _unit(name: Column) -> Column:
    """The unit that a name carries, in UCUM; null where it does not tell."""
    return (
        F.when(F.rlike(name, F.lit(r"(?i)percent")), "%")
        .when(F.endswith(name, F.lit("MB")), "MBy")
        .when(F.endswith(name, F.lit("BytesPerSecond")), "By/s")
        .when(F.endswith(name, F.lit("PerSecond")), "1/s")
        .when(F.rlike(name, F.lit(r"(Ms|MS|Milliseconds)$")), "ms")
    )


FAMILIES = (
    RecordFamily("azure.log_analytics.insightsmetrics", is_row_of("InsightsMetrics"), Metric, decode_insights_metrics),
)
