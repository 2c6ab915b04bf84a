"""What all audit records are brought to before they are judged, and how to read what is in their attributes."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.gold.security.exposure import exposed_ports
from pipelines.gold.security.rules import Kind

# `name`: the action in lower case, in the form that rules of its kind have it; `operation`: what the records of one
# operation share. All are text, but for evidence.
SHAPE = (
    "event_id", "event_time", "kind", "service", "name", "action", "actor", "actor_type", "target", "outcome",
    "reason", "source_address", "provider", "account", "region", "resource_id", "mfa", "request", "exposes", "details",
    "operation", "evidence",
)  # fmt: skip
_LONGEST_EVIDENCE = 1_000


def attribute(*names: str) -> Column:
    """The first there is of the attributes of these names; null for empty text, and `-`, Windows' word for nothing."""
    found = (F.nullif(F.trim(F.try_element_at("attributes", F.lit(name))), F.lit("")) for name in names)
    return F.coalesce(*(F.nullif(one, F.lit("-")) for one in found))


def inside(json: Column, *paths: str) -> Column:
    """The first there is of the members of a JSON text; null also where it is no JSON."""
    return F.coalesce(
        *(F.nullif(F.get_json_object(json, path if path.startswith("$") else f"$.{path}"), F.lit("")) for path in paths)
    )


def first_word(*words: tuple[Column, str]) -> Column:
    """The word of the first condition that holds."""
    cases = (F.when(F.coalesce(condition, F.expr("false")), F.lit(word)) for condition, word in words)
    return F.coalesce(*cases)


def matches(text: Column, pattern: str) -> Column:
    """Whether it is found, without regard to case; false of null."""
    return F.coalesce(F.rlike(text, F.lit(f"(?is){pattern}")), F.expr("false"))


def evidence(*names: str, **others: Column) -> Column:
    """What these attributes say, and others by their names: a map of what is not null, long texts cut off."""
    named = [(name, attribute(name)) for name in names] + list(others.items())
    entries = [(F.lit(name), F.substring(text, 1, _LONGEST_EVIDENCE)) for name, text in named]
    pairs = F.create_map(*(side for entry in entries for side in entry))
    return F.map_filter(pairs, lambda _, text: text.isNotNull())


def shaped(rows: DataFrame, kind: Kind, name: Column, proof: Column, **columns: Column) -> DataFrame:
    """Rows of silver.events or silver.logs in the common shape.

    `columns` are those of SHAPE; of others those of the same name of `rows` are taken, or null.
    """
    there = {column: F.col(column) for column in SHAPE if column in rows.columns}
    from_silver = {"provider": "cloud_provider", "account": "cloud_account_id", "region": "cloud_region"}
    there |= {column: F.col(silver) for column, silver in from_silver.items()}
    there["details"] = F.concat_ws(" ", F.to_json("attributes"), F.col("message"))
    there |= {"kind": F.lit(kind.value), "name": F.lower(F.trim(name)), "evidence": proof}
    there |= columns
    there["exposes"] = exposed_ports(there["request"]) if "request" in there else F.lit(None)
    chosen = [there.get(column, F.lit(None)) for column in SHAPE]
    typed = [
        column if name in ("event_time", "evidence") else column.cast("string")
        for name, column in zip(SHAPE, chosen, strict=True)
    ]
    return rows.select(*(column.alias(name) for name, column in zip(SHAPE, typed, strict=True)))


def stacked(frames: list[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)
