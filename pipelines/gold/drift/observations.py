"""What was seen of a field of an item of a resource, and when: of changes, and of what agents list now and then."""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# A field is named in lower case, without the prefix that change tracking gives to those of services.
_SAME = {"currentversion": "version", "current": "version", "updatestate": "state", "previous": "version"}
# Attributes of a listed item that say what it is like.
_LISTED = (
    "SvcStartupType", "SvcAccount", "SvcPath", "SvcRunlevels", "SvcController", "FileContentChecksum", "Size", "Acls",
    "Attributes", "ValueData", "ValueType", "DateModified", "Classification",
)  # fmt: skip
PRESENT = "present"
COLUMNS = (
    "resource_id", "resource_type", "host_name", "account", "provider", "item_type", "item_name", "field", "value",
    "previous", "event_time", "event_id",
)  # fmt: skip


def field_name(name: Column) -> Column:
    bare = F.regexp_replace(F.lower(F.trim(name)), "^svc", "")
    same = F.create_map(*chain.from_iterable((F.lit(theirs), F.lit(ours)) for theirs, ours in _SAME.items()))
    return F.coalesce(F.try_element_at(same, bare), bare)


def changed(changes: DataFrame) -> DataFrame:
    """Rows of silver.config_changes → a row a field. Of several fields the values are JSON, by the field's name.

    Whether the item is there at all is the field `present`: yes or no.
    """
    by_name = "map<string,string>"
    many = F.contains("field", F.lit(","))
    new, old = (F.when(many, F.from_json(value, by_name)) for value in ("new_value", "old_value"))
    names = F.split(F.coalesce("field", F.lit("")), r"\s*[,;|]\s*")
    rows = changes.withColumns({"new_map": new, "old_map": old})

    def told(name: Column) -> Column:
        return F.struct(
            field_name(name).alias("field"),
            F.coalesce(F.try_element_at("new_map", name), F.when(~many, F.col("new_value"))).alias("value"),
            F.coalesce(F.try_element_at("old_map", name), F.when(~many, F.col("old_value"))).alias("previous"),
        )

    kind = F.lower("change_type")
    is_there = F.struct(
        F.lit(PRESENT).alias("field"),
        F.when(kind == "removed", "no").otherwise("yes").alias("value"),
        F.when(kind == "removed", "yes").when(kind == "added", "no").alias("previous"),
    )
    fields = F.concat(F.transform(F.filter(names, lambda name: name != ""), told), F.array(is_there))
    return _observed(rows.withColumn("seen", F.explode(fields)))


def listed(items: DataFrame) -> DataFrame:
    """Rows of silver.configuration_items → a row a field that the agent tells; `previous` is not known."""

    def told(name: str, value: Column) -> Column:
        nothing = F.lit(None).cast("string")
        return F.struct(F.lit(name).alias("field"), value.alias("value"), nothing.alias("previous"))

    attributes = [F.try_element_at("attributes", F.lit(name)) for name in _LISTED]
    # A missing update is listed as needed, not as there.
    is_there = F.when((F.col("item_type") == "update") & ~F.lower("state").isin("installed"), "no").otherwise("yes")
    fields = F.array(
        told("version", F.col("version")),
        told("state", F.col("state")),
        told("publisher", F.col("publisher")),
        told(PRESENT, is_there),
        *(told(name.lower().removeprefix("svc"), value) for name, value in zip(_LISTED, attributes, strict=True)),
    )
    known = F.filter(fields, lambda seen: seen["value"].isNotNull())
    return _observed(items.withColumn("seen", F.explode(known)))


def _observed(rows: DataFrame) -> DataFrame:
    named = {
        "resource_id": F.lower("resource_id"), "account": F.col("cloud_account_id"),
        "provider": F.col("cloud_provider"), "item_type": F.lower("item_type"), "field": F.col("seen.field"),
        "value": F.col("seen.value"), "previous": F.col("seen.previous"),
    }  # fmt: skip
    return rows.select(*(named.get(name, F.col(name)).alias(name) for name in COLUMNS))
