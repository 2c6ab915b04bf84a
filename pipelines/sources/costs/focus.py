"""Cost reports in FOCUS, as JSON or CSV: one charge a row, amounts as decimals and never by way of a double.

Columns: https://focus.finops.org/focus-specification/v1-2/. Rows of older versions lack some; providers add some.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs import csv_rows
from pipelines.sources.reading.lines import text_of
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.variant import member, members, merged, none_if_empty, parse_whole, text
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Cost

AMOUNTS = (
    "BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "ListCost", "ListUnitPrice", "PricingQuantity",
)  # fmt: skip
TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
WORDS = (
    "AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
    "CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription",
    "ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedUnit", "InvoiceId",
    "InvoiceIssuerName", "PricingCategory", "PricingCurrency", "PricingUnit", "ProviderName", "PublisherName",
    "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
    "SubAccountType",
)  # fmt: skip
# What a table's export writes for nothing.
_NOTHING = ("", "NULL", "null", "None", "\\N")
_PROVIDERS = {"aws": "aws", "amazon": "aws", "microsoft": "azure", "azure": "azure", "google": "gcp", "oracle": "oci"}


def cell(record: Column, *names: str) -> Column:
    """A member as text; null for what exports write for nothing."""
    cells = (text(record, name) for name in names)
    return F.coalesce(*(F.when(~found.isin(*_NOTHING), found) for found in cells))


def to_amount(written: Column) -> Column:
    """Text → decimal(38,18); null if it is none, or does not fit."""
    return written.try_cast("decimal(38,18)")


def charge(
    source: str,
    words: Mapping[str, Column],
    amounts: Mapping[str, Column],
    times: Mapping[str, Column],
    tags: Column,
    attributes: Column,
) -> Cost:
    """A row of silver.costs from FOCUS columns, each as the text that was sent."""
    known = {name: to_amount(written) for name, written in amounts.items()}
    is_bad = reduce(Column.__or__, (amounts[name].isNotNull() & known[name].isNull() for name in amounts))
    start = to_time_of_any_format(times["ChargePeriodStart"])
    provider = words.get("ProviderName", F.lit(None).cast("string"))
    is_azure = F.startswith(F.lower(words["ResourceId"]), F.lit("/subscriptions/"))
    return Cost(
        source=F.lit(source),
        event_time=start,
        cloud_provider=_provider(provider),
        cloud_account_id=words["SubAccountId"],
        cloud_region=words["RegionId"],
        resource_id=F.when(is_azure, F.lower(words["ResourceId"])).otherwise(words["ResourceId"]),
        resource_type=words.get("ResourceType"),
        attributes=attributes,
        unusable=F.when(is_bad, "bad_value"),
        focus={
            **words,
            **known,
            **{name: to_time_of_any_format(written) for name, written in times.items()},
            "Tags": tags,
        },
    )


def tags_of(record: Column, *names: str) -> Column:
    """Tags as map<string,string>: an object, or the text of one, also without its braces as Azure writes it."""
    written = cell(record, *names)
    braced = F.when(F.startswith(written, F.lit('"')), F.concat(F.lit("{"), written, F.lit("}"))).otherwise(written)
    return none_if_empty(F.coalesce(members(record, *names), members(parse_whole(braced))))


def attributes_of(record: Column, used: tuple[str, ...]) -> Column:
    """What has no column; and tags that are not an object, as they were sent."""
    left = F.map_filter(members(record), lambda name, value: ~name.isin(*used) & ~value.isin(*_NOTHING))
    unread = F.when(tags_of(record, "Tags").isNull() & ~cell(record, "Tags").isin("{}"), cell(record, "Tags"))
    return merged(left, F.when(unread.isNotNull(), F.create_map(F.lit("Tags"), unread)))


def _claims(record: Column, topic: Column) -> Column:
    is_row = member(record, "BilledCost").isNotNull() & (
        member(record, "ChargePeriodStart").isNotNull() | member(record, "BillingCurrency").isNotNull()
    )
    return is_row | csv_rows.has_header(record, "BilledCost", "ChargePeriodStart")


def _decode(record: Column, part: Column, topic: Column) -> Cost:
    return charge(
        "focus",
        {name: cell(part, name) for name in WORDS},
        {name: cell(part, name) for name in AMOUNTS},
        {name: cell(part, name) for name in TIMES},
        tags_of(part, "Tags"),
        attributes_of(part, (*WORDS, *AMOUNTS, *TIMES, "Tags")),
    )


def rows_or_itself(record: Column) -> Column:
    return F.when(text_of(record).isNotNull(), csv_rows.rows_of(record)).otherwise(F.array(record))


def _provider(name: Column) -> Column:
    return F.coalesce(
        *(F.when(F.contains(F.lower(name), F.lit(word)), known) for word, known in _PROVIDERS.items()), F.lower(name)
    )


FAMILIES = (RecordFamily("focus", _claims, Cost, _decode, rows_or_itself),)
