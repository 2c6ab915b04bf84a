"""AWS Cost and Usage Reports in FOCUS: what each type of line item costs, in both spellings, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.costs.cur_layout import LAYOUT, spellings
from tests.unit.sources.conftest import Decode

PRODUCT = {"product_name": "Amazon EC2", "region": "eu-west-1", "location": "EU (Ireland)"}


def line(kind: str = "Usage", cost: str = "1.5E-7", **changes: Any) -> dict[str, Any]:
    return {
        "identity_line_item_id": "abc", "bill_billing_period_start_date": "2026-09-01T00:00:00Z",
        "bill_billing_period_end_date": "2026-10-01T00:00:00Z", "bill_payer_account_id": "111122223333",
        "bill_invoicing_entity": "Amazon Web Services, Inc.", "line_item_usage_account_id": "444455556666",
        "line_item_line_item_type": kind, "line_item_usage_start_date": "2026-09-18T22:00:00Z",
        "line_item_usage_end_date": "2026-09-18T23:00:00Z", "line_item_currency_code": "USD",
        "line_item_product_code": "AmazonEC2", "line_item_usage_type": "EUW1-BoxUsage:c5.large",
        "line_item_operation": "RunInstances", "line_item_resource_id": "i-0a", "line_item_usage_amount": "1",
        "line_item_unblended_cost": cost, "line_item_unblended_rate": "0.1", "pricing_unit": "Hrs",
        "pricing_public_on_demand_cost": "0.2", "pricing_rate_code": "A.B.C", "product_sku": "A",
        "line_item_blended_cost": "0.05", "product": PRODUCT,
        "resource_tags": {"user_team": "blue", "aws_created_by": "x"},
        **changes,
    }  # fmt: skip


def legacy(row: dict[str, Any]) -> dict[str, Any]:
    """As the legacy report spells it, with a column for each tag."""
    spelt = {spellings(name)[-1]: value for name, value in row.items() if name not in ("product", "resource_tags")}
    return spelt | {"resourceTags/user:team": "blue", "resourceTags/aws:createdBy": "x", "product/region": "eu-west-1"}


def file(*rows: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys(name for row in rows for name in row))
    writer.writeheader()
    flat = (
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows
    )
    writer.writerows(flat)
    return text.getvalue()


PLAN = {"savings_plan_savings_plan_a_r_n": "arn:aws:savingsplans::1:savingsplan/p"}
RESERVED = {"reservation_reservation_a_r_n": "arn:aws:ec2:eu-west-1:1:reserved-instances/r"}
LINES = {
    "usage": line(),
    "net": line(cost="2", line_item_net_unblended_cost="1.7"),
    "covered": line("SavingsPlanCoveredUsage", "0.9", savings_plan_savings_plan_effective_cost="0.6", **PLAN),
    "negation": line("SavingsPlanNegation", "-0.9", **PLAN),
    "plan fee": line("SavingsPlanRecurringFee", "3", savings_plan_total_commitment_to_date="3",
                     savings_plan_used_commitment="2.999999999999999999", **PLAN),
    "plan upfront": line("SavingsPlanUpfrontFee", "100", **PLAN),
    "reserved": line("DiscountedUsage", "0", reservation_effective_cost="0.07", **RESERVED),
    "reserved fee": line("RIFee", "50", reservation_unused_recurring_fee="0.5",
                         reservation_unused_amortized_upfront_fee_for_billing_period="0.25", **RESERVED),
    "reserved upfront": line("Fee", "80", **RESERVED),
    "spot": line(line_item_usage_type="EUW1-SpotUsage:c5.large"),
    "tax": line("Tax", "3", pricing_public_on_demand_cost=""),
    "credit": line("Credit", "-3"),
    "refund": line("Refund", "-4"),
    "discount": line("EdpDiscount", "-0.3"),
    "unknown": line("SomethingNew", "1"),
    "bad": line(cost="much"),
    "bad fee": line("RIFee", "50", reservation_unused_recurring_fee="some"),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, Any]:
    values: dict[str, Any] = LINES | {
        "legacy": legacy(LINES["usage"]),
        "file": "#executionId=run-1\n" + file(LINES["usage"], LINES["covered"], LINES["bad"]),
        "legacy file": file(legacy(LINES["usage"])),
        "no line": {"line_item_line_item_type": "Usage", "line_item_unblended_cost": "1"},
    }
    return dict(zip(values, decode(*values.values(), topic="finops.cur"), strict=True))


def test_a_line_item_has_the_columns_of_focus(found: dict[str, Any]) -> None:
    [row] = found["usage"]

    assert (row.table, row.source, row.cloud_provider, row.native_id) == ("costs", "aws.cur", "aws", "abc")
    assert (row.BillingAccountId, row.SubAccountId, row.BillingCurrency) == ("111122223333", "444455556666", "USD")
    assert (row.BilledCost, row.EffectiveCost, row.ListCost) == (Decimal("1.5e-7"), Decimal("1.5e-7"), Decimal("0.2"))
    assert (row.ServiceName, row.ServiceCategory, row.RegionId) == ("Amazon EC2", "Compute", "eu-west-1")
    assert (row.ChargeCategory, row.ChargeFrequency, row.PricingCategory) == ("Usage", "Usage-Based", "Standard")
    assert (row.SkuId, row.SkuPriceId, row.ConsumedQuantity, row.ConsumedUnit) == ("A", "A.B.C", 1, "Hrs")
    assert row.Tags == {"team": "blue", "aws_created_by": "x"}
    assert (row.BillingPeriodStart.month, row.event_time) == (9, row.ChargePeriodStart)


def test_what_has_no_column_is_an_attribute(found: dict[str, Any]) -> None:
    [row] = found["usage"]

    assert row.attributes["line_item_operation"] == "RunInstances"
    assert row.attributes["line_item_blended_cost"] == "0.05"
    assert row.attributes["line_item_line_item_type"] == "Usage"
    assert json.loads(row.attributes["product"]) == PRODUCT


@pytest.mark.parametrize(
    ("name", "billed", "effective", "contracted"),
    [
        ("net", "1.7", "1.7", "1.7"), ("covered", "0", "0.6", "0.9"), ("negation", "0", "0", "0"),
        ("plan fee", "3", "0.000000000000000001", "3"), ("plan upfront", "100", "0", "100"),
        ("reserved", "0", "0.07", "0.2"), ("reserved fee", "50", "0.75", "50"), ("reserved upfront", "80", "0", "80"),
        ("tax", "3", "3", "3"), ("discount", "-0.3", "-0.3", "-0.3"),
    ],
)  # fmt: skip
def test_each_type_of_line_has_its_costs(
    found: dict[str, Any], name: str, billed: str, effective: str, contracted: str
) -> None:
    [row] = found[name]

    assert (row.BilledCost, row.EffectiveCost, row.ContractedCost) == tuple(
        map(Decimal, (billed, effective, contracted))
    )


@pytest.mark.parametrize(
    ("name", "category", "frequency", "pricing"),
    [
        ("covered", "Usage", "Usage-Based", "Committed"), ("plan fee", "Purchase", "Recurring", "Committed"),
        ("reserved upfront", "Purchase", "One-Time", "Committed"), ("spot", "Usage", "Usage-Based", "Dynamic"),
        ("tax", "Tax", "Usage-Based", None), ("credit", "Credit", "One-Time", None),
        ("refund", "Adjustment", "One-Time", None), ("unknown", "Adjustment", "Usage-Based", None),
    ],
)  # fmt: skip
def test_each_type_of_line_has_its_category(
    found: dict[str, Any], name: str, category: str, frequency: str, pricing: str | None
) -> None:
    [row] = found[name]

    assert (row.ChargeCategory, row.ChargeFrequency, row.PricingCategory) == (category, frequency, pricing)


def test_commitments_are_named(found: dict[str, Any]) -> None:
    [covered], [reserved], [refund] = found["covered"], found["reserved"], found["refund"]

    assert (covered.CommitmentDiscountType, covered.CommitmentDiscountStatus) == ("Savings Plan", "Used")
    assert (reserved.CommitmentDiscountType, reserved.CommitmentDiscountCategory) == ("Reserved Instance", "Usage")
    assert (refund.ChargeClass, refund.CommitmentDiscountId) == ("Correction", None)


@pytest.mark.parametrize("name", ["legacy", "legacy file", "file"])
def test_other_spellings_say_the_same(found: dict[str, Any], name: str) -> None:
    row, wanted = found[name][0], found["usage"][0]

    same = ("BilledCost", "EffectiveCost", "ListCost", "ResourceId", "RegionId", "SkuPriceId", "ChargePeriodStart")
    assert [row.row[column] for column in same] == [wanted.row[column] for column in same]
    assert row.Tags["team"] == "blue"
    assert len(row.Tags) == 2


def test_a_bad_row_of_a_file_goes_alone(found: dict[str, Any]) -> None:
    first, second, bad = found["file"]

    assert (first.delivery_id, first.BilledCost, second.EffectiveCost) == ("run-1", Decimal("1.5e-7"), Decimal("0.6"))
    assert (bad.table, bad.reason) == ("quarantine", "bad_value")


@pytest.mark.parametrize(("name", "reason"), [("bad", "bad_value"), ("bad fee", "bad_value"), ("no line", "bad_time")])
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
def test_any_line_is_one_row_and_any_amount_arrives_to_the_last_digit(
    decode: Decode, sent: list[Decimal], odd: list[dict[str, Any]]
) -> None:
    good = [line(cost=f"{amount:E}", line_item_line_item_description=str(at)) for at, amount in enumerate(sent)]
    broken = [line() | changes | {"line_item_line_item_description": f"odd {at}"} for at, changes in enumerate(odd)]

    rows = decode(*good, *broken, file(*good))

    assert [row.BilledCost for [row] in rows[: len(good)]] == sent
    assert [len(some) for some in rows[len(good) : -1]] == [1] * len(broken)
    assert [row.BilledCost for row in rows[-1]] == sent
