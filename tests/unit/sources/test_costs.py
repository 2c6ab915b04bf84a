"""FOCUS cost rows, as JSON and as CSV: amounts to the last digit, and no column lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def charge(**changes: Any) -> dict[str, Any]:
    return {
        "BilledCost": "0.00000080000", "BillingCurrency": "USD", "ChargePeriodStart": "2026-09-18 22:00:00",
        "ChargePeriodEnd": "2026-09-18 23:00:00", "ProviderName": "AWS", "SubAccountId": "51", "RegionId": "us-west-2",
        "ResourceId": "arn:aws:sqs:us-west-2:51:q", "ChargeClass": "NULL", "Tags": '{"team": "blue", "stage": "prod"}',
        **changes,
    }  # fmt: skip


CSV = (
    '"BilledCost","BillingCurrency","ChargePeriodStart","ChargeDescription","Tags","x_Extra"\n'
    '0.10,"USD","2026-09-18 22:00:00","a ""quoted"", text","{""team"": ""blue""}",7\n'
    "1e-9,USD,2026-09-18 23:00:00,,NULL,\n"
    "much,USD,2026-09-18 23:00:00,,,\n"
)
AZURE = "/subscriptions/s1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V"


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, Any]:
    values = {
        "row": charge(),
        "numbers": charge(BilledCost=12345678.123456789012345678, ConsumedQuantity=2),
        "azure": charge(ProviderName="Microsoft", ResourceId=AZURE, Tags={"a": "b"}),
        "listed": charge(Tags=[{"key": "env", "value": "prod"}, {"key": "owner", "value": None}]),
        "no pairs": charge(Tags='[{"key": "env", "value": "prod"}, "x"]'),
        "extra": charge(Id="11472", x_Discount=0.25, Tags="not tags"),
        "no cost": charge(BilledCost="NULL"),
        "no currency": charge(BillingCurrency=""),
        "bad amount": charge(ListCost="free"),
        "no time": charge(ChargePeriodStart="soon"),
        "named": charge(x_DeliveryId="run-7", x_ExportId="focus-daily"),
        "restated": charge(BilledCost="7", x_Discount="0.5"),
        "invoiced": charge(InvoiceId="i-1"),
        "many digits": charge(ListCost="4.12345678901234E-7", BilledCost="1.5E-7", Tags=None),
        "csv": CSV,
        "header alone": CSV.splitlines()[0],
    }
    return dict(zip(values, decode(*values.values(), topic="finops.costs"), strict=True))


def test_tags_as_a_list_of_pairs_are_tags(found: dict[str, Any]) -> None:
    [row] = found["listed"]
    assert (row.Tags["env"], "Tags" in (row.attributes or {})) == ("prod", False)
    [kept] = found["no pairs"]
    assert (kept.Tags, "env" in kept.attributes["Tags"]) == (None, True)


def test_a_row_has_the_columns_of_focus(found: dict[str, Any]) -> None:
    [row] = found["row"]

    assert (row.table, row.source, row.cloud_provider, row.cloud_account_id) == ("costs", "focus", "aws", "51")
    assert (row.BilledCost, row.BillingCurrency, row.ChargeClass) == (Decimal("0.0000008"), "USD", None)
    assert row.ChargePeriodStart == row.event_time
    assert (row.resource_id, row.Tags) == ("arn:aws:sqs:us-west-2:51:q", {"team": "blue", "stage": "prod"})


def test_an_azure_resource_is_written_in_lower_case(found: dict[str, Any]) -> None:
    [row] = found["azure"]

    assert (row.resource_id, row.cloud_provider, row.Tags) == (AZURE.lower(), "azure", {"a": "b"})


def test_what_focus_does_not_have_is_an_attribute(found: dict[str, Any]) -> None:
    [row] = found["extra"]

    assert (row.attributes, row.Tags) == ({"Id": "11472", "x_Discount": "0.25", "Tags": "not tags"}, None)


def test_a_file_of_csv_is_its_rows_and_a_bad_one_goes_alone(found: dict[str, Any]) -> None:
    first, second, bad = found["csv"]

    assert (first.BilledCost, first.ChargeDescription, first.Tags) == (
        Decimal("0.1"),
        'a "quoted", text',
        {"team": "blue"},
    )
    assert (first.attributes, second.BilledCost, second.attributes) == ({"x_Extra": "7"}, Decimal("1e-9"), None)
    assert (bad.table, bad.reason) == ("quarantine", "bad_value")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("no cost", "no_cost"), ("no currency", "no_currency"), ("bad amount", "bad_value"), ("no time", "bad_time")],
)
def test_what_cannot_be_charged_is_quarantined(found: dict[str, Any], name: str, reason: str) -> None:
    [row] = found[name]

    assert (row.table, row.reason) == ("quarantine", reason)


def test_a_header_alone_is_an_export_without_charges(found: dict[str, Any]) -> None:
    [row] = found["header alone"]

    assert (row.table, row.reason) == ("ignored", "empty_records")


def test_a_row_says_which_delivery_of_which_export_it_is_of(found: dict[str, Any]) -> None:
    [named], [other] = found["named"], found["row"]

    assert (named.export_id, named.delivery_id, named.dataset) == ("focus-daily", "run-7", None)
    assert (other.export_id, other.delivery_id) == ("finops.costs", None)


def test_a_charge_is_the_same_however_much_it_costs(found: dict[str, Any]) -> None:
    [first], [dearer], [invoiced], [other] = (found[name] for name in ("row", "restated", "invoiced", "azure"))

    assert first.charge_id == dearer.charge_id == invoiced.charge_id != other.charge_id


def test_digits_that_a_column_does_not_hold_stay_as_they_were_sent(found: dict[str, Any]) -> None:
    [row] = found["many digits"]

    assert row.attributes == {"ListCost": "4.12345678901234E-7"}
    assert (row.ListCost, row.BilledCost) == (Decimal("4.12345678901E-7"), Decimal("1.5e-7"))


amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=15, allow_nan=False)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(amounts, min_size=30, max_size=60))
def test_any_amount_arrives_to_the_last_digit(decode: Decode, sent: list[Decimal]) -> None:
    rows = decode(*(charge(BilledCost=str(amount), Id=str(place)) for place, amount in enumerate(sent)))

    assert [row.BilledCost for [row] in rows] == sent
