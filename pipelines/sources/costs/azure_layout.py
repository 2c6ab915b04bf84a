"""The columns of Azure's cost details that FOCUS has a place for; agreement types differ in case and in names.

https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/schema-index
"""

from __future__ import annotations

from pipelines.sources.costs.layout import Layout

COST = ("CostInBillingCurrency", "PreTaxCost", "Cost")
DATE = ("Date", "UsageDateTime", "UsageDate")
CURRENCY = ("BillingCurrencyCode", "BillingCurrency", "Currency")
QUANTITY = ("Quantity", "UsageQuantity")
SUBSCRIPTION = ("SubscriptionGuid", "SubscriptionId")
RESOURCE = ("ResourceId", "InstanceId")
# The location as it is, or as Azure writes it the same everywhere.
LOCATION = ("ResourceLocationNormalized", "ResourceLocation", "Location")
BENEFIT = ("BenefitId", "ReservationId")
BENEFIT_NAME = ("BenefitName", "ReservationName")
# Enterprise agreements have no billing profile, or name their enrollment there as well.
ACCOUNT = ("BillingProfileId", "BillingAccountId")
ACCOUNT_NAME = ("BillingProfileName", "BillingAccountName")
PRODUCT = ("ProductName", "Product")
PRICING_CURRENCY = ("PricingCurrencyCode", "PricingCurrency")
# They stay as they were sent, as FOCUS only has what is made of them.
_KEPT = (
    "ChargeType", "ExchangeRatePricingToBilling", "Frequency", "PayGPrice", "PricingModel", "Quantity", "UnitOfMeasure",
    "UsageQuantity",
)  # fmt: skip
_TAKEN = (
    "AvailabilityZone", "BillingPeriodEndDate", "BillingPeriodStartDate", "InvoiceId", "MeterCategory", "MeterName",
    "PartnerName", "PaygCostInBillingCurrency", "ProductId", "PublisherName", "ResourceName", "ResourceType",
    "SubscriptionName", "Tags",
    "UnitPrice",
)  # fmt: skip


def spellings(name: str) -> tuple[str, ...]:
    """`CostInBillingCurrency` → itself and `costInBillingCurrency`."""
    return (name, name[0].lower() + name[1:])


# Of each the first that a row has is taken.
GROUPS = (
    COST, DATE, CURRENCY, QUANTITY, SUBSCRIPTION, RESOURCE, LOCATION, BENEFIT, BENEFIT_NAME, ACCOUNT, ACCOUNT_NAME,
    PRODUCT, PRICING_CURRENCY,
)  # fmt: skip
_ALTERNATIVES = tuple(name for group in GROUPS for name in group)
LAYOUT = Layout(tuple(dict.fromkeys((*_ALTERNATIVES, *_KEPT, *_TAKEN))), spellings, _KEPT)
