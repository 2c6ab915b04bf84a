"""Spot price history: pages of prices, prices alone, and the digits of a price."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found


def price(**changes: Any) -> dict[str, Any]:
    return {
        "AvailabilityZone": "eu-west-1b", "InstanceType": "m5.large", "ProductDescription": "Linux/UNIX",
        "SpotPrice": "0.035700", "Timestamp": "2026-03-02T10:15:30+00:00", **changes,
    }  # fmt: skip


CAMEL = {
    "instanceType": "t3.micro", "productDescription": "Windows", "spotPrice": 0.0116,
    "availabilityZone": "us-west-2-lax-1a", "timestamp": "2026-03-02T10:15:30.000Z",
}  # fmt: skip
VALUES: dict[str, Any] = {
    "page": {"SpotPriceHistory": [price(), price(AvailabilityZoneId="euw1-az2")], "NextToken": "next"},
    "alone": price(),
    "camel": CAMEL,
    "list": [price(), CAMEL],
    "xml": {"spotPriceHistorySet": {"item": [CAMEL]}, "requestId": "r"},
    "empty": {"SpotPriceHistory": [], "NextToken": ""},
    "no list": {"SpotPriceHistory": "none"},
    "bad": {
        "SpotPriceHistory": [
            price(), price(SpotPrice="cheap"), price(SpotPrice="-1"), price(SpotPrice=None), price(Timestamp="then"),
            price(InstanceType=None), price(SpotPrice="99999999999999999999"), None,
        ]
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def found(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(VALUES, decode(*VALUES.values()), strict=True))


def test_each_price_of_a_page_is_a_row(found: dict[str, list[Found]]) -> None:
    first, second = found["page"]

    assert (first.table, first.source, first.part, second.part) == ("spot_prices", "aws.spot_price_history", 0, 1)
    assert (first.instance_type, first.availability_zone, first.product_description) == (
        "m5.large", "eu-west-1b", "Linux/UNIX",
    )  # fmt: skip
    assert first.price == Decimal("0.0357")
    assert first.event_time == datetime(2026, 3, 2, 10, 15, 30)
    assert (first.cloud_provider, first.cloud_region) == ("aws", "eu-west-1")
    assert first.resource_id == "aws::eu-west-1:spot-price:m5.large:Linux/UNIX:eu-west-1b"
    assert first.attributes == {"NextToken": "next"}
    assert second.attributes == {"NextToken": "next", "AvailabilityZoneId": "euw1-az2"}


def test_prices_alone_in_either_spelling(found: dict[str, list[Found]]) -> None:
    assert [(row.instance_type, row.price) for name in ("alone", "camel", "list", "xml") for row in found[name]] == [
        ("m5.large", Decimal("0.0357")), ("t3.micro", Decimal("0.0116")), ("m5.large", Decimal("0.0357")),
        ("t3.micro", Decimal("0.0116")), ("t3.micro", Decimal("0.0116")),
    ]  # fmt: skip
    [camel] = found["camel"]
    assert (camel.cloud_region, camel.attributes) == ("us-west-2", None)


def test_a_page_without_prices_is_ignored(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["empty"]] == [("ignored", "empty_records")]


def test_one_bad_price_goes_alone(found: dict[str, list[Found]]) -> None:
    assert [(one.table, one.reason) for one in found["bad"]] == [
        ("spot_prices", None), ("quarantine", "bad_value"), ("quarantine", "no_price"), ("quarantine", "no_price"),
        ("quarantine", "bad_time"), ("quarantine", "no_offer"), ("quarantine", "bad_value"),
        ("quarantine", "wrong_shape"),
    ]  # fmt: skip
    assert [one.reason for one in found["no list"]] == ["wrong_shape"]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prices=st.lists(
        st.decimals(min_value=0, max_value=10**9, places=10, allow_nan=False), min_size=30, max_size=60, unique=True
    )
)
def test_every_digit_of_a_price_is_kept(decode: Decode, prices: list[Decimal]) -> None:
    [rows] = decode({"SpotPriceHistory": [price(SpotPrice=f"{amount:f}") for amount in prices]})

    assert [row.price for row in rows] == prices
