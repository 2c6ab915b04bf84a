"""Azure Log Analytics data export, table ConfigurationChange: what change tracking saw change on a machine.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/configurationchange. A row is of one item, but
may be of several fields of it. Each kind of item says in its own way which, and what was there before.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_items import item_name, item_type, names_taken
from pipelines.sources.azure.log_analytics_rows import SHARED, is_row_of, shared
from pipelines.sources.reading.hoist import kept
from pipelines.sources.reading.variant import left_over, none_if_empty, time, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Change

# Field → the member with its value, and the one with the value before.
_FIELDS = {
    "CurrentVersion": ("Current", "Previous"),
    **{name: (name, f"Previous{name}") for name in (
        "FileContentChecksum", "Size", "DateModified", "DateCreated", "Acls", "Attributes", "ValueData", "ValueType",
    )},
    **{f"Svc{name}": (f"Svc{name}", f"SvcPrevious{name}") for name in (
        "State", "StartupType", "Account", "Path", "Runlevels", "Controller",
    )},
}  # fmt: skip


def decode(record: Column, part: Column, topic: Column) -> Change:
    """`field` has the names of all fields that changed; of several, the values are JSON, by the field's name."""
    kind, category = word(record, "ConfigChangeType"), word(record, "ChangeCategory")
    old, new = _values(record, 1, "Previous"), _values(record, 0, "Current")
    after, before = (tuple(members[place] for members in _FIELDS.values()) for place in (0, 1))
    taken = {after: new, before: old} | names_taken(record)
    return Change(
        **shared("ConfigurationChange", record),
        event_time=time(record, "TimeGenerated"),
        item_type=item_type(record, kind),
        item_name=item_name(record),
        change_type=category,
        field=F.coalesce(word(record, "FieldsChanged"), F.nullif(F.concat_ws(",", _changed(record)), F.lit(""))),
        old_value=old,
        new_value=new,
        attributes=left_over(record, taken, *SHARED, "ConfigChangeType", "ChangeCategory", "FieldsChanged"),
    )


def _changed(record: Column) -> Column:
    """The names of the fields that changed, as array<string>: as told, or else those that have a value before."""
    told = F.split(F.coalesce(word(record, "FieldsChanged"), _service_fields(record)), r"\s*[,;|]\s*")
    had = F.array(*(F.when(word(record, before).isNotNull(), field) for field, (_, before) in _FIELDS.items()))
    return F.coalesce(told, F.array_compact(had))


def _service_fields(record: Column) -> Column:
    """`SvcChangeType` has the names without Svc: State, StartupType."""
    return F.regexp_replace(word(record, "SvcChangeType"), r"(^|[,;|])\s*(?!Svc)(?=\w)", "$1Svc")


def _values(record: Column, place: int, alone: str) -> Column:
    """The values of the changed fields, before or after: of one field as it is, of several as JSON."""
    all_fields = F.create_map(
        *(side for field, members in _FIELDS.items() for side in (F.lit(field), word(record, members[place])))
    )

    def of(changed: Column) -> Column:
        return F.struct(
            F.size(changed).alias("fields"),
            F.map_filter(all_fields, lambda field, value: value.isNotNull() & F.array_contains(changed, field)).alias(
                "values"
            ),
        )

    def written(found: Column) -> Column:
        single = F.coalesce(F.get(F.map_values(found["values"]), 0), word(record, alone))
        return F.when(found["fields"] > 1, F.to_json(none_if_empty(found["values"]))).otherwise(single)

    return written(kept(of(kept(_changed(record)))))


FAMILIES = (RecordFamily("azure.log_analytics.configurationchange", is_row_of("ConfigurationChange"), Change, decode),)
