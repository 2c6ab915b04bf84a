"""A charge in the columns of FOCUS → a row of silver.costs, with what tells it from others and which delivery it is of.

Columns: https://focus.finops.org/focus-specification/v1-2/.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs.cells import Cells
from pipelines.sources.costs.layout import DATASET, DELIVERY, EXPORT
from pipelines.sources.reading.hoist import kept_together
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.values import to_time
from pipelines.sources.reading.variant import members, merged, none_if_empty, pairs, parse_whole
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
DECIMAL = "decimal(38,18)"
_PROVIDERS = {"aws": "aws", "amazon": "aws", "microsoft": "azure", "azure": "azure", "google": "gcp", "oracle": "oci"}
_DATASETS = {"amorti": "amortized", "actual": "actual"}
# A charge only has an invoice once it is invoiced.
_NOT_IDENTITY = ("InvoiceId",)


def charge(
    source: str,
    cells: Cells,
    topic: Column,
    words: Mapping[str, Column],
    amounts: Mapping[str, Column],
    times: Mapping[str, Column],
    tags: Column,
    left: Column | None = None,
    native_id: Column | None = None,
) -> Cost:
    """`words` are text; `amounts` text as sent, or decimals; `times` timestamps; `left`, a map of text, attributes
    besides the cells that the layout does not name or keeps."""
    words, amounts, times = kept_together(words), kept_together(amounts), kept_together(times)
    decimals = kept_together({name: to_amount(written) for name, written in amounts.items()})
    attributes = [
        cells.others,
        cells.measured,
        cells.passed_over(EXPORT, DELIVERY, DATASET),
        _rounded(amounts, decimals),
    ]
    is_bad = reduce(Column.__or__, (amounts[name].isNotNull() & decimals[name].isNull() for name in amounts))
    resource = words["ResourceId"]
    is_azure = F.startswith(F.lower(resource), F.lit("/subscriptions/"))
    provider = F.lower(words["ProviderName"])
    known = (F.when(F.contains(provider, F.lit(word)), F.lit(name)) for word, name in _PROVIDERS.items())
    return Cost(
        source=F.lit(source),
        native_id=native_id,
        event_time=times["ChargePeriodStart"],
        cloud_provider=F.coalesce(*known, provider),
        cloud_account_id=words["SubAccountId"],
        cloud_region=words["RegionId"],
        resource_id=F.when(is_azure, F.lower(resource)).otherwise(resource),
        resource_type=words.get("ResourceType"),
        attributes=merged(*attributes, *(() if left is None else (left,))),
        unusable=F.when(cells.malformed.isNotNull(), "malformed_line").when(is_bad, "bad_value"),
        ignored=F.when(cells.is_absent, "empty_records"),
        focus={
            **words,
            **decimals,
            **times,
            "Tags": tags,
            "charge_id": _charge_id(words, times, tags, cells.others),
            "export_id": F.coalesce(cells.first(*EXPORT), topic),
            "delivery_id": cells.first(*DELIVERY),
            "dataset": _dataset(F.coalesce(cells.first(*DATASET), topic)),
        },
    )


def to_amount(written: Column) -> Column:
    """Text or decimal → decimal(38,18), never by way of a double; null if it is none, or does not fit."""
    return written.try_cast(DECIMAL)


def time_of(written: Column) -> Column:
    return F.coalesce(to_time(written), to_time_of_any_format(written))


def tags_of(written: Column) -> Column:
    """Tags as map<string,string>, from JSON; null if they are not that.

    Also without its braces, as Azure writes it, and as a list of `key` and `value`, as BigQuery writes it.
    """
    braced = F.when(F.startswith(written, F.lit('"')), F.concat(F.lit("{"), written, F.lit("}"))).otherwise(written)
    listed = F.from_json(
        F.when(F.startswith(written, F.lit("[")), written), "array<struct<key: string, value: string>>"
    )
    is_of_pairs = F.forall(listed, lambda pair: pair["key"].isNotNull())
    of_pairs = F.when(is_of_pairs, F.map_from_entries(listed))
    return none_if_empty(F.coalesce(members(parse_whole(braced)), of_pairs))


def unread_tags(written: Column, tags: Column, name: str = "Tags") -> Column:
    """Tags that are no object, as they were sent."""
    return pairs(**{name: F.when(tags.isNull() & ~written.isin("{}"), written)})


def choice(written: Column, known: Mapping[str, str]) -> Column:
    """One word for another; null for what is not known."""
    chosen = F.lit(None).cast("string")
    for word, meant in known.items():
        chosen = F.when(written == word, F.lit(meant)).otherwise(chosen)
    return chosen


def _rounded(amounts: Mapping[str, Column], decimals: Mapping[str, Column]) -> Column:
    """Amounts with more digits behind the point than a column has, as they were sent."""

    def lost(name: str) -> Column:
        exact = amounts[name].try_cast("decimal(38,30)")
        return exact != decimals[name].try_cast("decimal(38,30)")

    longest = F.greatest(*(F.length(amounts[name]) for name in amounts))
    return F.when(longest > 17, pairs(**{name: F.when(lost(name), amounts[name].cast("string")) for name in amounts}))


def _charge_id(words: Mapping[str, Column], times: Mapping[str, Column], tags: Column, others: Column) -> Column:
    """MD5 of all that says what was charged for, and not how much."""
    said = [words[name] for name in sorted(words) if name not in _NOT_IDENTITY]
    when = [F.unix_micros(times[name]).cast("string") for name in sorted(times)]
    entries = (F.xxhash64(F.sort_array(F.map_entries(entries))).cast("string") for entries in (tags, others))
    return F.md5(F.concat_ws("\x1f", *(F.coalesce(one, F.lit("")) for one in (*said, *when, *entries))).cast("binary"))


def _dataset(named: Column) -> Column:
    """Only Azure has two exports of the same charges. Told by the sender, or by the topic."""
    return F.coalesce(
        *(F.when(F.contains(F.lower(named), F.lit(word)), F.lit(name)) for word, name in _DATASETS.items())
    )
