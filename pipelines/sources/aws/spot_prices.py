"""EC2 spot price history, as `aws ec2 describe-spot-price-history` gives it: a row for each price of each page.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.aws.resource_ids import region_in, unnamed
from pipelines.sources.reading.variant import elements, member, members, merged, rest, text, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import SpotPrice

_LISTS = (
    "SpotPriceHistory", "spotPriceHistory", "spotPriceHistorySet", "spotPriceHistorySet.item",
    "DescribeSpotPriceHistoryResponse.spotPriceHistorySet.item",
)  # fmt: skip
_TYPE, _PRICE = ("InstanceType", "instanceType", "instance_type"), ("SpotPrice", "spotPrice", "spot_price")
_ZONE = ("AvailabilityZone", "availabilityZone", "availability_zone")
_ZONE_ID = ("AvailabilityZoneId", "availabilityZoneId", "availability_zone_id")
_PRODUCT = ("ProductDescription", "productDescription", "product_description")
_TIME = ("Timestamp", "timestamp")
# Digits are kept as they are: a price by way of a double would not be the price.
_DECIMAL = "decimal(20,10)"


def is_page(record: Column, topic: Column) -> Column:
    return member(record, *_LISTS).isNotNull()


def is_price(record: Column, topic: Column) -> Column:
    """One of such a list, alone."""
    about = member(record, *_ZONE, *_ZONE_ID, *_PRODUCT)
    return member(record, *_PRICE).isNotNull() & member(record, *_TYPE).isNotNull() & about.isNotNull()


def prices(record: Column) -> Column:
    return elements(record, *_LISTS)


def decode_page(record: Column, part: Column, topic: Column) -> SpotPrice:
    """What a page says of itself, such as where the next begins, is an attribute of each of its prices."""
    return _decode(
        part,
        of_page=rest(record, *(name.split(".")[0] for name in _LISTS)),
        unusable=F.when(members(part).isNull(), "wrong_shape"),
        ignored=F.when(F.size(prices(record)) == 0, "empty_records"),
    )


def decode_price(record: Column, part: Column, topic: Column) -> SpotPrice:
    nothing = F.lit(None).cast("string")
    return _decode(record, of_page=F.lit(None).cast("map<string,string>"), unusable=nothing, ignored=nothing)


def _decode(price: Column, of_page: Column, unusable: Column, ignored: Column) -> SpotPrice:
    kind, product = word(price, *_TYPE), word(price, *_PRODUCT)
    zone = word(price, *_ZONE, *_ZONE_ID)
    written = text(price, *_PRICE)
    amount = written.try_cast(_DECIMAL)
    return SpotPrice(
        source=F.lit("aws.spot_price_history"),
        event_time=time(price, *_TIME),
        cloud_provider=F.lit("aws"),
        cloud_region=region_in(zone),
        resource_id=unnamed(F.lit(None), region_in(zone), F.concat(F.lit("spot-price:"), kind), product, zone),
        resource_type=F.lit("AWS::EC2::SpotPrice"),
        attributes=merged(of_page, rest(price, *_TYPE, *_PRICE, *_ZONE, *_PRODUCT, *_TIME)),
        instance_type=kind,
        availability_zone=zone,
        product_description=product,
        price=amount,
        unusable=F.coalesce(unusable, F.when(F.btrim(written) != "", F.when(amount.isNull(), "bad_value"))),
        ignored=ignored,
    )


FAMILIES = (
    RecordFamily("aws.spot_price_history", is_page, SpotPrice, decode_page, parts=prices),
    RecordFamily("aws.spot_price", is_price, SpotPrice, decode_price),
)
