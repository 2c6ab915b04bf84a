"""Which ports a change of firewall rules lets in from the whole internet."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# What should never be open to all: remote access, and databases and caches that trust their network.
SENSITIVE_PORTS = (22, 23, 135, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 11211, 27017)
_ANYONE = r'"(0\.0\.0\.0/0|::/0)"|"sourceAddressPrefix(es)?"\s*:\s*\[?\s*"(\*|internet|any|0\.0\.0\.0/0|::/0)"'
_DENIES = r'"access"\s*:\s*"deny"|"direction"\s*:\s*"outbound"|"ruleAction"\s*:\s*"deny"|"egress"\s*:\s*true'
# AWS names both ends, each of them after the other in one permission; Azure writes "22", "20-25", "*", or a list.
_FROM, _TO = r'"fromPort"\s*:\s*"?(-?\d+)', r'"toPort"\s*:\s*"?(-?\d+)'
_AZURE = r'"destinationPortRanges?"\s*:\s*(\[[^\]]*\]|"[^"]*")'
_RANGE = r"(\d+)(?:-(\d+))?"
_ALL_PROTOCOLS = r'"ipProtocol"\s*:\s*"?-1'
_ALL_AZURE_PORTS = r'"destinationPortRanges?"\s*:\s*\[?\s*"\*"'


def exposed_ports(request: Column) -> Column:
    """The sensitive ports that the request opens to everyone, e.g. `22,3389`; `none` of these; null if it opens none.

    The request is JSON of EC2's AuthorizeSecurityGroupIngress, or of a rule of an Azure network security group. Of
    several permissions in one request, each is taken to be as open as the most open one.
    """
    is_open = _found(request, _ANYONE) & ~_found(request, _DENIES)
    aws = F.arrays_zip(_ports(request, _FROM).alias("low"), _ports(request, _TO).alias("high"))
    azure = F.transform(F.flatten(F.transform(F.regexp_extract_all(request, F.lit(_AZURE), 1), _ranges)), _range)
    is_everything = _found(request, _ALL_PROTOCOLS) | _found(request, _ALL_AZURE_PORTS)

    def is_exposed(port: Column) -> Column:
        def holds(span: Column) -> Column:
            return (span["low"] <= port) & (port <= span["high"])

        return is_everything | F.exists(aws, holds) | F.exists(azure, holds)

    ports = F.array_join(F.filter(F.array(*map(F.lit, SENSITIVE_PORTS)), is_exposed), ",")
    return F.when(is_open, F.coalesce(F.nullif(ports, F.lit("")), F.lit("none")))


def _found(text: Column, pattern: str) -> Column:
    return F.coalesce(F.rlike(text, F.lit(f"(?i){pattern}")), F.expr("false"))


def _ports(text: Column, pattern: str) -> Column:
    """Every port that the pattern finds, as an array; none where there is no text. -1 of both ends is any port."""
    found = F.transform(F.regexp_extract_all(text, F.lit(pattern), 1), lambda digits: digits.try_cast("int"))
    return F.coalesce(found, F.array().cast("array<int>"))


def _ranges(written: Column) -> Column:
    return F.regexp_extract_all(written, F.lit(r"\d+(?:-\d+)?"), 0)


def _range(written: Column) -> Column:
    low = F.regexp_extract(written, _RANGE, 1).try_cast("int")
    high = F.nullif(F.regexp_extract(written, _RANGE, 2), F.lit("")).try_cast("int")
    return F.struct(low.alias("low"), F.coalesce(high, low).alias("high"))
