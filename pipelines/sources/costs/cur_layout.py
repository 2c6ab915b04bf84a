"""The columns of CUR that FOCUS has a place for, and how the legacy report and JSON spell them."""

from __future__ import annotations

from pipelines.sources.costs.layout import Layout

# They stay as they were sent as well: their amount is taken of some types of line items only, or what FOCUS has is made
# of several.
_KEPT = (
    "bill_bill_type", "line_item_legal_entity", "line_item_line_item_type", "line_item_product_code",
    "pricing_purchase_option", "pricing_rate_id", "product", "product_region", "product_servicecode",
    "line_item_net_unblended_cost", "line_item_net_unblended_rate", "line_item_unblended_cost",
    "line_item_unblended_rate", "pricing_public_on_demand_cost", "reservation_effective_cost",
    "reservation_net_effective_cost", "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee", "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee", "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_savings_plan_effective_cost", "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
)  # fmt: skip
_TAKEN = (
    "bill_billing_period_end_date", "bill_billing_period_start_date", "bill_invoice_id", "bill_invoicing_entity",
    "bill_payer_account_id", "bill_payer_account_name", "capacity_reservation_capacity_reservation_arn",
    "capacity_reservation_capacity_reservation_status", "identity_line_item_id", "line_item_availability_zone",
    "line_item_currency_code", "line_item_line_item_description", "line_item_resource_id", "line_item_usage_account_id",
    "line_item_usage_account_name", "line_item_usage_amount", "line_item_usage_end_date", "line_item_usage_start_date",
    "line_item_usage_type", "pricing_currency", "pricing_public_on_demand_rate", "pricing_rate_code", "pricing_unit",
    "product_location", "product_product_name", "product_region_code", "product_sku",
    "reservation_reservation_a_r_n", "resource_tags", "savings_plan_savings_plan_a_r_n",
)  # fmt: skip
_GROUPS = (
    "identity", "bill", "line_item", "product", "pricing", "reservation", "savings_plan", "capacity_reservation",
)  # fmt: skip


def spellings(name: str) -> tuple[str, ...]:
    """`line_item_unblended_cost` → itself and `lineItem/UnblendedCost`; products and prices also `product/region`."""
    group = next((group for group in _GROUPS if name.startswith(f"{group}_")), None)
    if group is None:
        return (name,)
    words = name.removeprefix(f"{group}_").split("_")
    head, *tail = group.split("_")
    pascal = "".join(map(str.capitalize, words))
    prefix = f"{head}{''.join(map(str.capitalize, tail))}/"
    camel = (f"{prefix}{pascal[0].lower()}{pascal[1:]}",) if group in ("product", "pricing") else ()
    return (name, f"{prefix}{pascal}", *camel)


# The legacy report has a column for each tag.
LAYOUT = Layout((*_KEPT, *_TAKEN), spellings, _KEPT, r"(?:resourceTags/|resource_tags_)(?:user[:_])?")
