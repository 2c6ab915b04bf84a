"""silver.spot_prices and silver.events → gold.spot_forecast: where to run on spot. One row an offer.

Offers are forecast in Spark's workers, a bucket of them in one call; ranks need them all and are Spark's. The table
holds the newest run alone and is written anew as a whole; a run at the same `as_of` gives the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pipelines.forecasting.spot_risk import Prior, estate_prior
from pipelines.gold.spot_interruptions import interruptions
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, overwrite_table, read_table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

PRICES = contract("silver.spot_prices")
EVENTS = contract("silver.events")
TABLE = contract("gold.spot_forecast")
_OFFER = ("instance_type", "availability_zone", "product_description")
_TIMES = ("price_since", "as_of")
_RANKS = ("rank_in_type", "rank_per_vcpu")


@dataclass(frozen=True)
class SpotOptions:
    """`history_days`: how far back prices and events are read; a price that has not changed since is not known.
    `buckets`: into how many parts the offers are split, each of which a worker holds as a whole."""

    history_days: int = 90
    buckets: int = 8


def spot_forecast(prices: DataFrame, events: DataFrame, as_of: datetime, options: SpotOptions) -> DataFrame:
    """Rows of the table, judged at `as_of` (UTC)."""
    since = as_of - timedelta(days=options.history_days)
    # A row a type and zone; events are not read again for the second use of it.
    taken_back = interruptions(events, since, as_of).localCheckpoint()
    prior, unplaced = _estate(taken_back)
    rows = _forecast(price_histories(prices, since, as_of), taken_back, prior, as_of, options)
    cost = F.col("expected_cost_per_hour")
    return rows.withColumns(
        {
            **{name: F.timestamp_seconds(name) for name in _TIMES},
            "unplaced_interruptions": F.lit(unplaced).cast("bigint"),
            "rank_in_type": _rank(cost, "instance_type", "product_description"),
            "rank_per_vcpu": _rank(cost / F.col("vcpus"), "product_description"),
        }
    ).select(*TABLE.column_names)


def price_histories(prices: DataFrame, since: datetime, as_of: datetime) -> DataFrame:
    """One row an offer: the times of its prices (seconds since 1970) and the prices, in order, up to `as_of`."""
    seen = prices.where((F.col("event_time") >= F.lit(since)) & (F.col("event_time") < F.lit(as_of)))
    point = F.struct(F.unix_seconds("event_time").alias("time"), F.col("price").cast("double").alias("price"))
    grouped = seen.groupBy(*_OFFER).agg(
        F.array_sort(F.collect_set(point)).alias("points"), F.max("cloud_region").alias("cloud_region")
    )
    return grouped.select(
        *_OFFER, "cloud_region", F.col("points")["time"].alias("times"), F.col("points")["price"].alias("prices")
    )


def _estate(taken_back: DataFrame) -> tuple[Prior, int]:
    """What is known of all offers together, and how many interruptions belong to none of them."""
    is_placed = F.col("instance_type").isNotNull()
    row = taken_back.agg(
        F.sum(F.when(is_placed, F.col("interruptions"))), F.sum("instance_hours"),
        F.sum(F.when(~is_placed, F.col("interruptions"))),
    ).first()  # fmt: skip
    assert row is not None
    return estate_prior(float(row[0] or 0), float(row[1] or 0)), int(row[2] or 0)


def _forecast(
    histories: DataFrame, taken_back: DataFrame, prior: Prior, as_of: datetime, options: SpotOptions
) -> DataFrame:
    def forecast_bucket(rows: pd.DataFrame) -> pd.DataFrame:
        from pipelines.gold.spot_rows import spot_rows

        return spot_rows(rows.drop(columns="bucket"), prior, as_of)[[name for name, _ in _RAW]]

    known = histories.join(F.broadcast(taken_back), ["instance_type", "availability_zone"], "left").fillna(
        0, ["interruptions", "rebalances", "instance_hours"]
    )
    bucket = F.pmod(F.xxhash64(*_OFFER), F.lit(options.buckets)).alias("bucket")
    schema = ", ".join(f"`{name}` {type_}" for name, type_ in _RAW)
    return known.select(bucket, *known.columns).groupBy("bucket").applyInPandas(forecast_bucket, schema)


def _rank(cost: Column, *within: str) -> Column:
    """1 is the cheapest; those without a cost get none."""
    window = Window.partitionBy(*within).orderBy(cost.asc_nulls_last(), *_OFFER)
    return F.when(cost.isNotNull(), F.row_number().over(window))


_RAW = tuple(
    (column.name, "bigint" if column.name in _TIMES else column.type)
    for column in TABLE.columns
    if column.name not in (*_RANKS, "unplaced_interruptions")
)


def write(spark: SparkSession, settings: Settings, as_of: datetime, options: SpotOptions) -> None:
    """Put the forecasts of `as_of` (UTC) in place of those before."""
    for table in (PRICES, EVENTS, TABLE):
        ensure_table(spark, settings, table)
    prices, events = read_table(spark, settings, PRICES), read_table(spark, settings, EVENTS)
    found = spot_forecast(prices, events, as_of, options)
    overwrite_table(found.coalesce(1).write, settings, TABLE)
