"""The numbers of an OTLP data point of any kind: a gauge's or sum's own, a distribution's mean and what else it has.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/
protobuf leaves out what is zero, so an absent `count` is 0, and the `sum` of a summary as well; that of a histogram is
optional. The mean of no samples, or of an unknown sum, is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import elements, none_if_empty, text

_NUMBERS = ("asDouble", "as_double", "asInt", "as_int", "value")
_QUANTILES = ("quantileValues", "quantile_values")
_BUCKETS = ("bucketCounts", "bucket_counts")
_DISTRIBUTIONS = (
    "histogram", "exponentialHistogram", "exponential_histogram", "summary",
    "intHistogram", "doubleHistogram", "doubleSummary",
)  # fmt: skip
_SUMMARIES = ("summary", "doubleSummary")
# The members of a point that `measured` has columns for.
USED = (*_NUMBERS, "sum", "count", "min", "max", *_QUANTILES)


@dataclass(frozen=True)
class Measured:
    value: Column
    minimum: Column
    maximum: Column
    total: Column
    count: Column
    percentiles: Column
    problem: Column  # a reason code; null if there is none


def measured(point: Column, kind: Column) -> Measured:
    written = [text(point, *_NUMBERS), *(text(point, name) for name in ("sum", "count", "min", "max"))]
    number, known_total, known_count, smallest, largest = (to_number(each) for each in written)
    is_distribution = kind.isin(*_DISTRIBUTIONS)
    count = F.when(is_distribution, F.coalesce(known_count, F.lit(0.0)))
    total = F.coalesce(known_total, F.when(kind.isin(*_SUMMARIES), 0.0))
    mean = F.when((count > 0) & total.isNotNull(), total / count).otherwise(F.lit("NaN").cast("double"))
    percentiles = _percentiles(elements(point, *_QUANTILES))
    is_unreadable = F.lit(0) == 1
    for text_, read in zip(written, (number, known_total, known_count, smallest, largest), strict=True):
        is_unreadable = is_unreadable | (text_.isNotNull() & read.isNull())
    # Something was measured, but how often has been lost.
    is_contradictory = is_distribution & known_count.isNull() & ((total != 0) | _has_samples(point))
    return Measured(
        value=F.when(is_distribution, mean).otherwise(number),
        minimum=F.coalesce(smallest, percentiles["p0"]),
        maximum=F.coalesce(largest, percentiles["p100"]),
        total=total,
        count=count,
        percentiles=percentiles,
        problem=F.when(is_unreadable | (count < 0), "bad_value").when(is_contradictory, "no_value"),
    )


def beyond_double(point: Column) -> Column:
    """The integer as it was sent, if no double is just that: nanoseconds of CPU are so after 104 days. Null else."""
    sent = text(point, "asInt", "as_int")
    exact = sent.try_cast("decimal(38,0)")
    return F.when(exact != sent.try_cast("double").try_cast("decimal(38,0)"), sent)


def _percentiles(quantiles: Column) -> Column:
    """`{"quantile": 0.99, "value": 7}` → p99: 7. Both are left out where they are zero."""
    entries = F.transform(
        quantiles,
        lambda each: F.struct(
            F.concat(F.lit("p"), _percent(F.coalesce(text(each, "quantile"), F.lit("0")))).alias("key"),
            to_number(F.coalesce(text(each, "value"), F.lit("0"))).alias("value"),
        ),
    )
    return none_if_empty(F.map_from_entries(F.filter(entries, lambda entry: entry["key"].isNotNull())))


def _percent(quantile: Column) -> Column:
    """0.999 → 99.9, exactly; null if it is no number."""
    hundredfold = quantile.try_cast("decimal(24,12)") * 100
    return F.rtrim(F.regexp_replace(hundredfold.cast("string"), r"(\.\d*?)0*$", "$1"), F.lit("."))


def _has_samples(point: Column) -> Column:
    names = (*_BUCKETS, *(f"positive.{name}" for name in _BUCKETS))
    counts = F.coalesce(elements(point, *names), F.array().cast("array<variant>"))
    return F.exists(counts, lambda count: F.coalesce(F.try_variant_get(count, "$", "double") > 0, F.lit(1) == 1))
