"""Azure Log Analytics data export, tables ConfigurationData and Update: what is on a machine, and what it lacks.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/configurationdata and …/tables/update
"""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of, shared
from pipelines.sources.reading.variant import left_over, text, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Item

# The kinds of items by change tracking's own words; it leaves the word out at times, but never the item's name.
_KINDS = {
    "software": "software",
    "windowsservices": "service",
    "services": "service",
    "daemons": "daemon",
    "files": "file",
    "registry": "registry",
}
# A service may have a display name besides.
_NAMES = ("SoftwareName", "SvcName", "FileSystemPath", "SvcDisplayName")
_UPDATE_NAMES: tuple[str, ...] = ("Title", "Product", "KBID", "UpdateID")


def decode_configuration_data(record: Column, part: Column, topic: Column) -> Item:
    kind = word(record, "ConfigDataType")
    return Item(
        **shared("ConfigurationData", record),
        event_time=time(record, "TimeGenerated"),
        item_type=item_type(record, kind),
        item_name=item_name(record),
        version=word(record, "CurrentVersion"),
        state=word(record, "SvcState"),
        publisher=word(record, "Publisher"),
        attributes=left_over(
            record, names_taken(record), *SHARED, "ConfigDataType", "CurrentVersion", "SvcState", "Publisher"
        ),
    )


def decode_update(record: Column, part: Column, topic: Column) -> Item:
    """Windows names an update by its title, Linux by its package."""
    name = word(record, *_UPDATE_NAMES)
    return Item(
        **shared("Update", record),
        event_time=time(record, "TimeGenerated"),
        item_type=F.lit("update"),
        item_name=name,
        version=word(record, "ProductVersion"),
        state=word(record, "UpdateState"),
        attributes=left_over(record, {_UPDATE_NAMES: name}, *SHARED, "ProductVersion", "UpdateState"),
    )


def item_type(record: Column, kind: Column) -> Column:
    """Our word for a kind of item, or its own if we know none. If it is left out, the member with the name tells."""
    known = F.create_map(*chain.from_iterable((F.lit(theirs), F.lit(ours)) for theirs, ours in _KINDS.items()))
    return F.coalesce(
        known[F.lower(kind)],
        F.lower(kind),
        F.when(word(record, "SoftwareName").isNotNull(), "software"),
        F.when(word(record, "SvcName").isNotNull(), "service"),
        F.when(word(record, "FileSystemPath").isNotNull(), "file"),
        F.when(word(record, "RegistryKey").isNotNull(), "registry"),
    )


def item_name(record: Column) -> Column:
    return F.coalesce(word(record, *_NAMES), _registry_value(record))


def names_taken(record: Column) -> dict[tuple[str, ...], Column]:
    """The members that `item_name` is made of, for `left_over`."""
    of_registry = word(record, *_NAMES).isNull()
    return {
        _NAMES: word(record, *_NAMES),
        ("RegistryKey",): F.when(of_registry, text(record, "RegistryKey")),
        ("ValueName",): F.when(of_registry, text(record, "ValueName")),
    }


def _registry_value(record: Column) -> Column:
    """Its key and its own name; the default value of a key has none."""
    key = word(record, "RegistryKey")
    return F.when(key.isNotNull(), F.concat_ws("\\", key, word(record, "ValueName")))


FAMILIES = (
    RecordFamily(
        "azure.log_analytics.configurationdata", is_row_of("ConfigurationData"), Item, decode_configuration_data
    ),
    RecordFamily("azure.log_analytics.update", is_row_of("Update"), Item, decode_update),
)
