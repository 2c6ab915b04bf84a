"""Azure's cost details in FOCUS: agreement types spell their columns in their own ways and mean the same."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.costs.azure_layout import LAYOUT
from tests.unit.sources.conftest import Decode

VM = "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V"


def enterprise(**changes: Any) -> dict[str, Any]:
    """An enterprise agreement's row, Pascal case."""
    return {
        "BillingAccountId": "1234567", "BillingAccountName": "Contoso", "BillingPeriodStartDate": "09/01/2026",
        "BillingPeriodEndDate": "09/30/2026", "BillingProfileId": "1234567", "SubscriptionId": "s1",
        "SubscriptionName": "Prod", "Date": "09/18/2026", "ProductName": "VM D2s v3",
        "MeterCategory": "Virtual Machines",
        "MeterId": "m-1", "MeterName": "D2s v3", "Quantity": "24", "EffectivePrice": "0.1",
        "CostInBillingCurrency": "2.40",
        "BillingCurrencyCode": "EUR", "UnitPrice": "1", "PayGPrice": "1.2", "UnitOfMeasure": "10 Hours",
        "ResourceLocation": "EU West", "ResourceId": VM, "ChargeType": "Usage", "Frequency": "UsageBased",
        "PricingModel": "OnDemand", "Tags": '"team": "blue","env": "prod"', "AdditionalInfo": '{"vCores": 2}',
        **changes,
    }  # fmt: skip


CUSTOMER = {
    "billingAccountId": "acc", "billingProfileId": "profile", "billingProfileName": "Main",
    "billingPeriodStartDate": "2026-09-01", "billingPeriodEndDate": "2026-09-30", "subscriptionGuid": "s1",
    "date": "2026-09-18T00:00:00Z", "meterId": "m-1", "meterCategory": "Storage", "costInBillingCurrency": 0.5,
    "billingCurrency": "EUR", "quantity": 3, "unitPrice": "0.02", "unitOfMeasure": "1 GB/Month", "chargeType": "Usage",
    "pricingModel": "SavingsPlan",
    "benefitId": "/providers/Microsoft.BillingBenefits/savingsPlanOrders/o/savingsPlans/p",
    "paygCostInBillingCurrency": "0.7", "PayGPrice": "0.03", "exchangeRatePricingToBilling": "2", "productId": "sku",
    "tags": {"team": "blue"}, "resourceLocation": "westeurope",
}  # fmt: skip
PAY_AS_YOU_GO = {
    "SubscriptionGuid": "s1", "UsageDateTime": "9/18/2026", "MeterId": "m-1", "MeterCategory": "Bandwidth",
    "UsageQuantity": "1E-3", "PreTaxCost": "1.5E-7", "Currency": "USD", "InstanceId": VM, "Tags": "{}",
    "UnitOfMeasure": "1M", "ResourceRate": "0.08",
}  # fmt: skip
RESERVED = {"PricingModel": "Reservation", "BenefitId": "", "ReservationId": "r-1", "ReservationName": "ours"}
ROWS: dict[str, Any] = {
    "enterprise": enterprise(),
    "customer": CUSTOMER,
    "pay as you go": PAY_AS_YOU_GO,
    "covered": enterprise(**RESERVED),
    "unused": enterprise(ChargeType="UnusedReservation", **RESERVED),
    "bought": enterprise(ChargeType="Purchase", Frequency="OneTime", CostInBillingCurrency="900", **RESERVED),
    "refund": enterprise(ChargeType="Refund", CostInBillingCurrency="-5"),
    "rounding": enterprise(ChargeType="RoundingAdjustment", Frequency="Odd"),
    "spot": enterprise(PricingModel="Spot", MeterCategory="Anything"),
    "bad": enterprise(CostInBillingCurrency="12,5"),
    "no date": enterprise(Date="soon"),
}


def file(*rows: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys(name for row in rows for name in row))
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + text.getvalue()


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, Any]:
    values = ROWS | {"file": file(ROWS["enterprise"], ROWS["covered"]), "payg file": file(PAY_AS_YOU_GO)}
    return dict(zip(values, decode(*values.values(), topic="finops.azure.amortized"), strict=True))


@pytest.mark.parametrize("name", ["enterprise", "file"])
def test_an_enterprise_agreement_in_focus(found: dict[str, Any], name: str) -> None:
    row = found[name][0]

    assert (row.table, row.source, row.cloud_provider) == ("costs", "azure.cost_export", "azure")
    assert (row.dataset, row.export_id) == ("amortized", "finops.azure.amortized")
    assert (row.BillingAccountId, row.SubAccountId, row.BillingCurrency) == ("1234567", "s1", "EUR")
    assert (row.BilledCost, row.EffectiveCost, row.ContractedCost) == (Decimal("2.4"), Decimal("2.4"), Decimal("2.4"))
    assert (row.PricingQuantity, row.PricingUnit, row.ListUnitPrice) == (Decimal("2.4"), "Hours", Decimal("1.2"))
    assert (row.ServiceName, row.ServiceCategory, row.RegionId) == ("Virtual Machines", "Compute", "euwest")
    assert (row.resource_id, row.ResourceName, row.Tags) == (VM.lower(), "V", {"team": "blue", "env": "prod"})
    assert (row.ChargeCategory, row.ChargeFrequency, row.PricingCategory) == ("Usage", "Usage-Based", "Standard")
    assert row.event_time.replace(tzinfo=UTC) == datetime(2026, 9, 18, tzinfo=UTC)
    assert row.ChargePeriodEnd.day == 19
    assert (row.BillingPeriodStart.day, row.BillingPeriodEnd.month) == (1, 10)
    assert (row.attributes["AdditionalInfo"], row.attributes["EffectivePrice"]) == ('{"vCores": 2}', "0.1")


def test_a_customer_agreement_in_focus(found: dict[str, Any]) -> None:
    [row] = found["customer"]

    assert (row.BillingAccountId, row.BillingAccountName) == ("profile", "Main")
    assert (row.BilledCost, row.EffectiveCost, row.ListCost) == (0, Decimal("0.5"), Decimal("0.7"))
    assert (row.CommitmentDiscountType, row.CommitmentDiscountCategory) == ("Savings Plan", "Spend")
    assert (row.ListUnitPrice, row.ContractedCost, row.SkuId) == (Decimal("0.06"), Decimal("0.06"), "sku")
    assert (row.ServiceCategory, row.PricingUnit, row.Tags) == ("Storage", "GB/Month", {"team": "blue"})
    assert row.attributes["BillingAccountId"] == "acc"


@pytest.mark.parametrize("name", ["pay as you go", "payg file"])
def test_pay_as_you_go_in_focus(found: dict[str, Any], name: str) -> None:
    [row] = found[name]

    assert (row.BilledCost, row.BillingCurrency, row.resource_id) == (Decimal("1.5e-7"), "USD", VM.lower())
    assert (row.PricingQuantity, row.PricingUnit) == (Decimal("1e-9"), "Units")
    assert (row.Tags, row.ServiceCategory, row.BillingPeriodStart) == (None, "Networking", None)


def test_a_commitment_is_billed_when_bought_and_effective_when_used(found: dict[str, Any]) -> None:
    [used], [unused], [bought] = found["covered"], found["unused"], found["bought"]

    assert (used.BilledCost, used.EffectiveCost, used.CommitmentDiscountStatus) == (0, Decimal("2.4"), "Used")
    assert (unused.BilledCost, unused.EffectiveCost, unused.CommitmentDiscountStatus) == (0, Decimal("2.4"), "Unused")
    assert (bought.BilledCost, bought.EffectiveCost, bought.ChargeFrequency) == (900, 0, "One-Time")
    assert (bought.CommitmentDiscountId, bought.CommitmentDiscountName) == ("r-1", "ours")


@pytest.mark.parametrize(
    ("name", "category", "charge_class", "pricing"),
    [("refund", "Purchase", "Correction", "Standard"), ("rounding", "Adjustment", None, "Standard"),
     ("spot", "Usage", None, "Dynamic")],
)  # fmt: skip
def test_each_kind_of_charge_has_its_category(
    found: dict[str, Any], name: str, category: str, charge_class: str | None, pricing: str
) -> None:
    [row] = found[name]

    assert (row.ChargeCategory, row.ChargeClass, row.PricingCategory) == (category, charge_class, pricing)


@pytest.mark.parametrize(("name", "reason"), [("bad", "bad_value"), ("no date", "bad_time")])
def test_what_cannot_be_charged_is_quarantined(found: dict[str, Any], name: str, reason: str) -> None:
    [row] = found[name]

    assert (row.table, row.reason) == ("quarantine", reason)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just({"a": [1]})
amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=15, allow_nan=False)


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sent=st.lists(amounts, min_size=20, max_size=40),
    odd=st.lists(st.dictionaries(st.sampled_from(LAYOUT.taken), anything), min_size=20, max_size=40),
)
def test_any_row_is_one_row_and_any_amount_arrives_to_the_last_digit(
    decode: Decode, sent: list[Decimal], odd: list[dict[str, Any]]
) -> None:
    good = [enterprise(CostInBillingCurrency=f"{amount:E}", MeterName=str(at)) for at, amount in enumerate(sent)]
    broken = [enterprise(MeterName=f"odd {at}") | changes | {"Place": at} for at, changes in enumerate(odd)]

    rows = decode(*good, *broken, file(*good))

    assert [row.BilledCost for [row] in rows[: len(good)]] == sent
    assert [len(some) for some in rows[len(good) : -1]] == [1] * len(broken)
    assert [row.BilledCost for row in rows[-1]] == sent
