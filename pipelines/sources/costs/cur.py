"""AWS Cost and Usage Reports, CUR 2.0 of Data Exports and the legacy CUR, as rows of JSON or files of CSV → FOCUS.

Columns: https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html; legacy:
https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html; FOCUS:
https://focus.finops.org/focus-specification/v1-2/.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs import csv_rows
from pipelines.sources.costs.aws_services import CATEGORIES, NAMES
from pipelines.sources.costs.cells import Cells, of_csv, of_object
from pipelines.sources.costs.charge import charge, tags_of, time_of, unread_tags
from pipelines.sources.costs.cur_costs import DISCOUNTS, billed_cost, contracted_cost, effective_cost, list_cost
from pipelines.sources.costs.cur_layout import LAYOUT, spellings
from pipelines.sources.reading.variant import member, merged, parse_whole, text
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Cost

_CATEGORIES = {
    "Usage": ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", *DISCOUNTS),
    "Purchase": ("Fee", "RIFee", "SavingsPlanUpfrontFee", "SavingsPlanRecurringFee"),
    "Tax": ("Tax",),
    "Credit": ("Credit",),
}
_RECURRING = ("RIFee", "SavingsPlanRecurringFee")
_ONCE = ("Fee", "SavingsPlanUpfrontFee", "Refund", "Credit")
_COMMITTED = ("DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", *_RECURRING, "SavingsPlanUpfrontFee")


def _is_row(record: Column, topic: Column) -> Column:
    return _has(record, "line_item_line_item_type") & (
        _has(record, "line_item_unblended_cost") | _has(record, "bill_billing_period_start_date")
    )


def _has(record: Column, name: str) -> Column:
    return member(record, *spellings(name)).isNotNull()


def _is_file(record: Column, topic: Column) -> Column:
    return csv_rows.has_header(record, ("line_item_line_item_type",), ("line_item_unblended_cost",))


def _charge(cells: Cells, topic: Column) -> Cost:
    kind = cells.cell("line_item_line_item_type")
    words = _who_and_when(cells) | _what(cells) | _how(cells, kind)
    is_usage = words["ChargeCategory"] == "Usage"
    quantity = cells.cell("line_item_usage_amount")
    rate = F.coalesce(*map(cells.cell, ("line_item_net_unblended_rate", "line_item_unblended_rate")))
    billed = billed_cost(cells, kind)
    written = cells.cell("resource_tags")
    nested = tags_of(written)
    return charge(
        "aws.cur",
        cells,
        topic,
        words,
        {
            "BilledCost": billed,
            "EffectiveCost": effective_cost(cells, kind, billed),
            "ListCost": list_cost(cells, kind, billed),
            "ContractedCost": contracted_cost(cells, kind, billed),
            "ListUnitPrice": cells.cell("pricing_public_on_demand_rate"),
            "ContractedUnitPrice": F.when(kind == "Usage", rate),
            "ConsumedQuantity": F.when(is_usage, quantity),
            "PricingQuantity": quantity,
        },
        {
            "BillingPeriodStart": time_of(cells.cell("bill_billing_period_start_date")),
            "BillingPeriodEnd": time_of(cells.cell("bill_billing_period_end_date")),
            "ChargePeriodStart": time_of(cells.cell("line_item_usage_start_date")),
            "ChargePeriodEnd": time_of(cells.cell("line_item_usage_end_date")),
        },
        merged(_without_prefix(nested), cells.tagged),
        unread_tags(written, nested, "resource_tags"),
        cells.cell("identity_line_item_id"),
    )


def _who_and_when(cells: Cells) -> dict[str, Column]:
    return {
        "BillingAccountId": cells.cell("bill_payer_account_id"),
        "BillingAccountName": cells.cell("bill_payer_account_name"),
        "BillingCurrency": cells.cell("line_item_currency_code"),
        "InvoiceId": cells.cell("bill_invoice_id"),
        "InvoiceIssuerName": cells.first("bill_invoicing_entity", "line_item_legal_entity"),
        "ProviderName": F.lit("AWS"),
        "PublisherName": cells.cell("line_item_legal_entity"),
        "SubAccountId": cells.cell("line_item_usage_account_id"),
        "SubAccountName": cells.cell("line_item_usage_account_name"),
    }


def _what(cells: Cells) -> dict[str, Column]:
    product = parse_whole(cells.cell("product"))
    code = cells.first("line_item_product_code", "product_servicecode")
    return {
        "AvailabilityZone": cells.cell("line_item_availability_zone"),
        "ChargeDescription": cells.cell("line_item_line_item_description"),
        "RegionId": F.coalesce(cells.first("product_region_code", "product_region"), text(product, "region")),
        "RegionName": F.coalesce(cells.cell("product_location"), text(product, "location")),
        "ResourceId": cells.cell("line_item_resource_id"),
        "ServiceCategory": F.coalesce(_named(code, CATEGORIES), F.when(code.isNotNull(), "Other")),
        "ServiceName": F.coalesce(
            cells.cell("product_product_name"), text(product, "product_name"), _named(code, NAMES), code
        ),
        "SkuId": cells.cell("product_sku"),
        "SkuMeter": cells.cell("line_item_usage_type"),
        "SkuPriceId": cells.first("pricing_rate_code", "pricing_rate_id"),
        "CapacityReservationId": cells.cell("capacity_reservation_capacity_reservation_arn"),
        "CapacityReservationStatus": cells.cell("capacity_reservation_capacity_reservation_status"),
    }


def _how(cells: Cells, kind: Column) -> dict[str, Column]:
    category = F.lit(None).cast("string")
    for name, kinds in _CATEGORIES.items():
        category = F.when(kind.isin(*kinds), name).otherwise(category)
    # Refunds correct a former charge; what AWS adds later is an adjustment until it is known.
    category = F.coalesce(category, F.when(kind.isNotNull(), "Adjustment"))
    reservation = cells.cell("reservation_reservation_a_r_n")
    plan = cells.cell("savings_plan_savings_plan_a_r_n")
    option = F.coalesce(cells.cell("pricing_purchase_option"), F.lit(""))
    is_spot = (option == "Spot Instances") | F.contains(cells.cell("line_item_usage_type"), F.lit("SpotUsage"))
    pricing = (
        F.when(kind.isin(*_COMMITTED) | ((kind == "Fee") & reservation.isNotNull()), "Committed")
        .when(is_spot, "Dynamic")
        .when(category.isin("Usage", "Purchase"), "Standard")
    )
    return {
        "ChargeCategory": category,
        "ChargeClass": F.when(kind == "Refund", "Correction"),
        "ChargeFrequency": F.when(kind.isin(*_RECURRING), "Recurring")
        .when(kind.isin(*_ONCE), "One-Time")
        .when(kind.isNotNull(), "Usage-Based"),
        "CommitmentDiscountCategory": F.when(plan.isNotNull(), "Spend").when(reservation.isNotNull(), "Usage"),
        "CommitmentDiscountId": F.coalesce(plan, reservation),
        "CommitmentDiscountStatus": F.when(kind.isin("DiscountedUsage", "SavingsPlanCoveredUsage"), "Used"),
        "CommitmentDiscountType": F.when(plan.isNotNull(), "Savings Plan").when(
            reservation.isNotNull(), "Reserved Instance"
        ),
        "ConsumedUnit": F.when(category == "Usage", cells.cell("pricing_unit")),
        "PricingCategory": pricing,
        "PricingCurrency": cells.cell("pricing_currency"),
        "PricingUnit": cells.cell("pricing_unit"),
    }


def _named(code: Column, names: dict[str, str]) -> Column:
    """By a map in the plan: a chain of conditions would be walked for each row."""
    return F.try_element_at(F.create_map(*(F.lit(part) for entry in names.items() for part in entry)), code)


def _without_prefix(tags: Column) -> Column:
    return F.transform_keys(tags, lambda name, _: F.regexp_replace(name, "^user[:_]", ""))


FAMILIES = (
    RecordFamily("aws.cur", _is_row, Cost, lambda record, part, topic: _charge(of_object(record, LAYOUT), topic)),
    RecordFamily(
        "aws.cur.csv",
        _is_file,
        Cost,
        lambda record, part, topic: _charge(of_csv(part), topic),
        lambda record: csv_rows.rows_of(record, LAYOUT),
    ),
)
