"""The four costs of FOCUS from a line item of CUR, by its type. Net amounts, after discounts, where there are.

A Savings Plan covers usage at its on-demand cost, and takes that away by a line of type SavingsPlanNegation: in FOCUS
neither is billed. A fee of a commitment is billed; its effective cost is what of it was not used, as all else of it is
in the effective cost of the usage it covers. So the sums of BilledCost and EffectiveCost are AWS's unblended and
amortized cost.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs.cells import Cells

# Lines that lower the cost of usage, in reports that do not have it in the usage's own line.
DISCOUNTS = (
    "BundledDiscount", "Discount", "EdpDiscount", "PrivateRateDiscount", "RiVolumeDiscount", "SppDiscount",
)  # fmt: skip
_COVERED, _NEGATION = "SavingsPlanCoveredUsage", "SavingsPlanNegation"
# A sum of two of these is a decimal(38,18).
_TERM = "decimal(37,18)"
_UNUSED_UPFRONT, _UNUSED_RECURRING = "unused_amortized_upfront_fee_for_billing_period", "unused_recurring_fee"


def billed_cost(cells: Cells, kind: Column) -> Column:
    return F.when(kind.isin(_COVERED, _NEGATION) & _cost(cells).isNotNull(), F.lit("0")).otherwise(_cost(cells))


def effective_cost(cells: Cells, kind: Column, billed: Column) -> Column:
    plan = cells.first("savings_plan_net_savings_plan_effective_cost", "savings_plan_savings_plan_effective_cost")
    reservation = cells.first("reservation_net_effective_cost", "reservation_effective_cost")
    upfront, recurring = (
        cells.first(f"reservation_net_{part}", f"reservation_{part}") for part in (_UNUSED_UPFRONT, _UNUSED_RECURRING)
    )
    committed, used = (cells.cell(f"savings_plan_{part}") for part in ("total_commitment_to_date", "used_commitment"))
    is_upfront = (kind == "SavingsPlanUpfrontFee") | (
        (kind == "Fee") & cells.cell("reservation_reservation_a_r_n").isNotNull()
    )
    return (
        F.when(kind == _COVERED, plan)
        .when(kind == "DiscountedUsage", F.coalesce(reservation, billed))
        .when(kind == "RIFee", _sum(upfront, recurring))
        .when(kind == "SavingsPlanRecurringFee", _difference(committed, used))
        .when(is_upfront, F.lit("0"))
        .otherwise(billed)
    )


def list_cost(cells: Cells, kind: Column, billed: Column) -> Column:
    """Where there is no public price, as for taxes and fees, what was billed."""
    return F.when(kind == _NEGATION, billed).otherwise(F.coalesce(cells.cell("pricing_public_on_demand_cost"), billed))


def contracted_cost(cells: Cells, kind: Column, billed: Column) -> Column:
    """Without the discounts of commitments: usage that a Savings Plan covers has it as its unblended cost."""
    return (
        F.when(kind == _COVERED, _cost(cells))
        .when(kind == "DiscountedUsage", F.coalesce(cells.cell("pricing_public_on_demand_cost"), billed))
        .otherwise(billed)
    )


def _cost(cells: Cells) -> Column:
    return cells.first("line_item_net_unblended_cost", "line_item_unblended_cost")


def _sum(one: Column, other: Column) -> Column:
    """As text; what is not there counts as 0. Null if neither is there; the one that is no number, if one is not."""
    return F.when(
        F.coalesce(one, other).isNotNull(), F.coalesce((_term(one) + _term(other)).cast("string"), one, other)
    )


def _difference(one: Column, other: Column) -> Column:
    return F.when(
        F.coalesce(one, other).isNotNull(), F.coalesce((_term(one) - _term(other)).cast("string"), one, other)
    )


def _term(written: Column) -> Column:
    return F.coalesce(written, F.lit("0")).try_cast(_TERM)
