"""Azure's cost details (exports of actual and amortized cost, all agreement types), as JSON or CSV → FOCUS.

As Microsoft maps them: https://learn.microsoft.com/cloud-computing/finops/focus/convert. Where two columns could lose a
value (a rate beside a unit's price), what was sent stays in attributes.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs import azure_layout as columns
from pipelines.sources.costs import csv_rows
from pipelines.sources.costs.azure_services import CATEGORIES
from pipelines.sources.costs.cells import Cells, of_csv, of_object
from pipelines.sources.costs.charge import DECIMAL, charge, choice, tags_of, time_of, unread_tags
from pipelines.sources.reading.variant import member, merged
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Cost

_METER = ("MeterId", "MeterCategory", "ChargeType")
_CATEGORIES = {
    "usage": "Usage", "purchase": "Purchase", "credit": "Credit", "tax": "Tax", "refund": "Purchase",
    "unusedreservation": "Usage", "unusedsavingsplan": "Usage",
}  # fmt: skip
_FREQUENCIES = {"onetime": "One-Time", "recurring": "Recurring", "usagebased": "Usage-Based"}
_PRICING = {"ondemand": "Standard", "spot": "Dynamic", "reservation": "Committed", "savingsplan": "Committed"}
_UNUSED = ("unusedreservation", "unusedsavingsplan")


def _is_row(record: Column, topic: Column) -> Column:
    return _has(record, columns.COST) & _has(record, columns.DATE) & _has(record, _METER)


def _has(record: Column, names: tuple[str, ...]) -> Column:
    return member(record, *(spelling for name in names for spelling in columns.spellings(name))).isNotNull()


def _is_file(record: Column, topic: Column) -> Column:
    return csv_rows.has_header(record, columns.COST, columns.DATE, _METER)


def _charge(cells: Cells, topic: Column) -> Cost:
    kind, model = _plain(cells.cell("ChargeType")), _plain(cells.cell("PricingModel"))
    is_committed = model.isin("reservation", "savingsplan")
    is_usage = F.coalesce(kind, F.lit("usage")).isin("usage", *_UNUSED)
    cost = cells.first(*columns.COST)
    covered = is_usage & (is_committed | kind.isin(*_UNUSED))
    bought = kind.isin("purchase", "refund") & is_committed
    block, unit = _pricing_unit(cells.cell("UnitOfMeasure"))
    quantity = cells.first(*columns.QUANTITY)
    priced = F.coalesce(_divided(quantity, block), quantity)
    day = time_of(cells.first(*columns.DATE))
    written = cells.cell("Tags")
    tags = tags_of(written)
    return charge(
        "azure.cost_export",
        cells,
        topic,
        _who(cells)
        | _what(cells)
        | _how(cells, kind, model)
        | {
            "ConsumedUnit": F.when(is_usage, unit),
            "PricingUnit": unit,
        },
        {
            "BilledCost": F.when(covered & cost.isNotNull(), F.lit("0")).otherwise(cost),
            "EffectiveCost": F.when(bought & cost.isNotNull(), F.lit("0")).otherwise(cost),
            "ContractedCost": _product(cells.cell("UnitPrice"), priced),
            "ContractedUnitPrice": cells.cell("UnitPrice"),
            "ListCost": cells.cell("PaygCostInBillingCurrency"),
            "ListUnitPrice": _list_price(cells),
            "ConsumedQuantity": F.when(is_usage, quantity),
            "PricingQuantity": priced,
        },
        {
            "BillingPeriodStart": time_of(cells.cell("BillingPeriodStartDate")),
            "BillingPeriodEnd": time_of(cells.cell("BillingPeriodEndDate")) + F.expr("INTERVAL 1 DAY"),
            "ChargePeriodStart": day,
            "ChargePeriodEnd": day + F.expr("INTERVAL 1 DAY"),
        },
        tags,
        merged(cells.passed_over(*columns.GROUPS), unread_tags(written, tags)),
    )


def _who(cells: Cells) -> dict[str, Column]:
    return {
        "BillingAccountId": cells.first(*columns.ACCOUNT),
        "BillingAccountName": cells.first(*columns.ACCOUNT_NAME),
        "BillingCurrency": cells.first(*columns.CURRENCY),
        "InvoiceId": cells.cell("InvoiceId"),
        "InvoiceIssuerName": F.coalesce(cells.cell("PartnerName"), F.lit("Microsoft")),
        "ProviderName": F.lit("Microsoft"),
        "PublisherName": cells.cell("PublisherName"),
        "SubAccountId": cells.first(*columns.SUBSCRIPTION),
        "SubAccountName": cells.cell("SubscriptionName"),
    }


def _what(cells: Cells) -> dict[str, Column]:
    service, resource, location = cells.cell("MeterCategory"), cells.first(*columns.RESOURCE), columns.LOCATION
    category = F.try_element_at(F.create_map(*(F.lit(part) for entry in CATEGORIES.items() for part in entry)), service)
    return {
        "AvailabilityZone": cells.cell("AvailabilityZone"),
        "ChargeDescription": cells.first(*columns.PRODUCT),
        "RegionId": F.lower(F.replace(cells.first(*location), F.lit(" "), F.lit(""))),
        "RegionName": cells.first(*location),
        "ResourceId": resource,
        "ResourceName": F.coalesce(cells.cell("ResourceName"), F.substring_index(resource, "/", -1)),
        "ResourceType": cells.cell("ResourceType"),
        "ServiceCategory": F.coalesce(category, F.when(service.isNotNull(), "Other")),
        "ServiceName": service,
        "ServiceSubcategory": F.lit(None).cast("string"),
        "SkuId": cells.cell("ProductId"),
        "SkuMeter": cells.cell("MeterName"),
    }


def _how(cells: Cells, kind: Column, model: Column) -> dict[str, Column]:
    benefit = cells.first(*columns.BENEFIT)
    path = F.lower(benefit)
    is_reservation = F.contains(path, F.lit("/microsoft.capacity/")) | (benefit.isNotNull() & (model == "reservation"))
    is_plan = F.contains(path, F.lit("/microsoft.billingbenefits/")) | (benefit.isNotNull() & (model == "savingsplan"))
    is_committed = model.isin("reservation", "savingsplan")
    return {
        "ChargeCategory": F.coalesce(
            choice(kind, _CATEGORIES), F.when(kind.isNotNull(), "Adjustment").otherwise("Usage")
        ),
        "ChargeClass": F.when(kind == "refund", "Correction"),
        "ChargeFrequency": F.coalesce(
            choice(_plain(cells.cell("Frequency")), _FREQUENCIES), _otherwise(cells, "Frequency")
        ),
        "CommitmentDiscountCategory": F.when(is_reservation, "Usage").when(is_plan, "Spend"),
        "CommitmentDiscountId": benefit,
        "CommitmentDiscountName": cells.first(*columns.BENEFIT_NAME),
        "CommitmentDiscountStatus": F.when(kind.isin(*_UNUSED), "Unused").when(
            is_committed & (kind == "usage"), "Used"
        ),
        "CommitmentDiscountType": F.when(is_reservation, "Reservation").when(is_plan, "Savings Plan"),
        "PricingCategory": choice(model, _PRICING),
        "PricingCurrency": cells.first(*columns.PRICING_CURRENCY),
    }


def _otherwise(cells: Cells, name: str) -> Column:
    return F.when(cells.cell(name).isNotNull(), "Other")


def _pricing_unit(measure: Column) -> tuple[Column, Column]:
    """`10 Hours`, `1M`, `100 GB/Month` → how many units a price is of, and of which."""
    number = F.nullif(F.regexp_extract(measure, r"^([\d.]+)\s*([KM](?![a-zA-Z]))?", 1), F.lit(""))
    scale = F.regexp_extract(measure, r"^([\d.]+)\s*([KM](?![a-zA-Z]))?", 2)
    size = F.try_multiply(
        number.try_cast("decimal(9,0)"),
        F.when(scale == "K", 1_000).when(scale == "M", 1_000_000).otherwise(1).cast("decimal(7,0)"),
    )
    unit = F.nullif(F.regexp_replace(measure, r"^[\d.]+\s*([KM](?![a-zA-Z]))?\s*", ""), F.lit(""))
    return size, F.coalesce(unit, F.when(number.isNotNull(), "Units"))


def _divided(amount: Column, size: Column) -> Column:
    """Null if it does not fit."""
    by = size.try_cast("decimal(8,0)")
    return F.try_divide(amount.try_cast("decimal(30,15)"), by).try_cast(DECIMAL)


def _product(one: Column, other: Column) -> Column:
    """To 16 digits behind the point, as no decimal holds more of two such numbers; null if it does not fit."""
    return F.try_multiply(one.try_cast("decimal(24,15)"), other.try_cast("decimal(27,15)")).try_cast(DECIMAL)


def _list_price(cells: Cells) -> Column:
    rate = cells.cell("ExchangeRatePricingToBilling")
    price = cells.cell("PayGPrice")
    return F.when(rate.try_cast("decimal(13,8)") == 1, price).otherwise(
        F.when(
            rate.isNotNull(),
            F.try_multiply(price.try_cast("decimal(24,15)"), rate.try_cast("decimal(13,8)")).try_cast(DECIMAL),
        ).otherwise(price)
    )


def _plain(word: Column) -> Column:
    return F.lower(F.replace(word, F.lit(" "), F.lit("")))


FAMILIES = (
    RecordFamily(
        "azure.cost_export",
        _is_row,
        Cost,
        lambda record, part, topic: _charge(of_object(record, columns.LAYOUT), topic),
    ),
    RecordFamily(
        "azure.cost_export.csv",
        _is_file,
        Cost,
        lambda record, part, topic: _charge(of_csv(part), topic),
        lambda record: csv_rows.rows_of(record, columns.LAYOUT),
    ),
)
