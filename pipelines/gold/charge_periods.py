"""The days of a charge, and the share of it that each of them bears, to the last digit.

What was billed (BilledCost) is booked on the day that the charge period starts, as it is in an invoice: cash. All other
amounts are spread over the charge period by time, as costs that accrue: a support plan or a licence of a month costs a
thirtieth of it a day. Most charges are of an hour or a day, and the two are the same.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ACCRUED = ("EffectiveCost", "ContractedCost", "ListCost", "ConsumedQuantity")
BOOKED = ("BilledCost",)
# A longer charge period is a slip of the report (year 9999 for `open`), and is booked on its first day.
_LONGEST_DAYS = 5 * 366
# A difference of two of these is a decimal(37,18), so nothing is rounded.
_EXACT = "decimal(36,18)"
_DAY_MICROS = 86_400_000_000


def first_day() -> Column:
    return F.to_date("ChargePeriodStart")


def last_day() -> Column:
    """The day of the last moment of the charge period, which ends before `ChargePeriodEnd`."""
    end = F.to_date(F.timestamp_micros(F.unix_micros("ChargePeriodEnd") - 1))
    is_period = (end >= first_day()) & (F.date_diff(end, first_day()) < _LONGEST_DAYS) & _fits()
    return F.when(is_period, end).otherwise(first_day())


def by_day(charges: DataFrame) -> DataFrame:
    """Rows of silver.costs → the same for each `day` of their charge period, with `is_first` for the first.

    Amounts add up to what they were, exactly: each day bears what has accrued by its end less what had by its start.
    """
    days = F.sequence(first_day(), last_day())
    spread = charges.select("*", F.size(days).alias("days"), F.posexplode(days).alias("place", "day"))
    is_first, is_whole = F.col("place") == 0, F.col("days") == 1
    accrued = {
        name: F.when(is_whole, F.col(name)).otherwise(_accrued(name, _by_the_end()) - _accrued(name, _by_the_start()))
        for name in ACCRUED
    }
    booked = {name: F.when(is_first, F.col(name)).otherwise(F.lit(0)).cast("decimal(38,18)") for name in BOOKED}
    return spread.withColumns({**accrued, **booked, "is_first": is_first}).drop("days", "place")


def _fits() -> Column:
    return F.forall(F.array(*ACCRUED), lambda amount: amount.isNull() | (F.abs(amount) < F.lit(10**17)))


def _by_the_end() -> Column:
    is_last = F.col("place") == F.col("days") - 1
    return F.when(is_last, F.lit(1).cast("decimal(19,18)")).otherwise(_part(F.col("place") + 1))


def _by_the_start() -> Column:
    return F.when(F.col("place") == 0, F.lit(0).cast("decimal(19,18)")).otherwise(_part(F.col("place")))


def _part(midnights: Column) -> Column:
    """How much of the charge period is over by that midnight after its start, as a decimal(19,18)."""
    start = F.unix_micros("ChargePeriodStart")
    over = F.floor(start / _DAY_MICROS) * _DAY_MICROS + midnights * _DAY_MICROS - start
    whole = F.unix_micros("ChargePeriodEnd") - start
    return (over.cast("decimal(18,0)") / whole.cast("decimal(18,0)")).cast("decimal(19,18)")


def _accrued(name: str, part: Column) -> Column:
    """All of it at the end, whatever is rounded on the way."""
    amount = F.col(name).try_cast(_EXACT)
    return F.when(part == 1, amount).when(part == 0, F.lit(0).cast(_EXACT)).otherwise((amount * part).cast(_EXACT))
