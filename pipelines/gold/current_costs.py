"""silver.costs as it stands: without what later deliveries of the same billing period replaced."""

from __future__ import annotations

from pyspark.sql import DataFrame

from pipelines.views import view

VIEW = "silver.costs_current"


def current_costs(costs: DataFrame) -> DataFrame:
    """Rows of silver.costs → those that count. The rule stands in `schemas/views/silver/costs_current.sql`."""
    return costs.sparkSession.sql(view(VIEW).sql("{base}"), base=costs)
