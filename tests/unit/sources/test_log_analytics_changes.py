"""Log Analytics export, table ConfigurationChange: which field changed, from what to what."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def change(kind: str, **columns: Any) -> dict[str, Any]:
    return {
        "Type": "ConfigurationChange", "TimeGenerated": "2026-03-02T09:12:44Z", "Computer": "Web-1", "_ItemId": "i",
        "ConfigChangeType": kind, "ChangeCategory": "Modified", **columns,
    }  # fmt: skip


def test_each_kind_of_item_says_in_its_way_what_changed(decode: Decode) -> None:
    modified = {"DateModified": "d"}
    rows = [
        change("Software", SoftwareName="git", Current="2.1", Previous="2.0", FieldsChanged="CurrentVersion"),
        change("Software", SoftwareName="git", Current="2.1", Previous="2.0"),
        change("Software", SoftwareName="git", Current="2.1", ChangeCategory="Added"),
        change("WindowsServices", SvcName="s", SvcChangeType="State", SvcState="Running", SvcPreviousState="Stopped"),
        change(
            "Daemons", SvcName="s", SvcChangeType="State, Path", SvcState="on", SvcPreviousState="off", SvcPath="/b",
            SvcPreviousPath="/a", SvcAccount="root",
        ),
        change("Files", FileSystemPath="/f", FieldsChanged="Size", Size=2, PreviousSize=1, DateModified="d"),
        change("Files", FileSystemPath="/f", FieldsChanged="Size;DateModified", Size=2, PreviousSize=1, **modified),
        change("Registry", RegistryKey="HKLM\\A", ValueName="v", ValueData="b", PreviousValueData="a", Hive="HKLM"),
        change("Files", FileSystemPath="/f", ChangeCategory="Removed"),
        change("Files", FileSystemPath="/f", ChangeCategory=None),
        change("Files"),
    ]  # fmt: skip

    [found] = decode({"records": rows})

    changes = [one for one in found if one.table == "config_changes"]
    assert [(one.item_type, one.item_name, one.field, one.old_value, one.new_value) for one in changes] == [
        ("software", "git", "CurrentVersion", "2.0", "2.1"),
        ("software", "git", "CurrentVersion", "2.0", "2.1"),
        ("software", "git", None, None, "2.1"),
        ("service", "s", "SvcState", "Stopped", "Running"),
        ("daemon", "s", "SvcState,SvcPath", '{"SvcState":"off","SvcPath":"/a"}', '{"SvcState":"on","SvcPath":"/b"}'),
        ("file", "/f", "Size", "1", "2"),
        ("file", "/f", "Size;DateModified", '{"Size":"1"}', '{"Size":"2","DateModified":"d"}'),
        ("registry", "HKLM\\A\\v", "ValueData", "a", "b"),
        ("file", "/f", None, None, None),
    ]
    assert [one.change_type for one in changes][2:4] == ["Added", "Modified"]
    assert [one.attributes for one in changes][3:6] == [
        {"SvcChangeType": "State"},
        {
            "SvcChangeType": "State, Path", "SvcState": "on", "SvcPreviousState": "off", "SvcPath": "/b",
            "SvcPreviousPath": "/a", "SvcAccount": "root",
        },
        {"DateModified": "d"},
    ]  # fmt: skip
    assert [one.reason for one in found if one.table == "quarantine"] == ["no_change", "no_item"]


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs=st.lists(st.tuples(texts, texts), min_size=30, max_size=60))
def test_no_value_is_lost_whether_one_or_two_fields_changed(decode: Decode, pairs: list[tuple[str, str]]) -> None:
    one_field = [change("Registry", RegistryKey="k", ValueData=b, PreviousValueData=a) for a, b in pairs]
    two_fields = [{**row, "ValueType": "SZ", "PreviousValueType": "DWORD"} for row in one_field]

    single, several = decode(one_field, two_fields)

    assert [(one.old_value, one.new_value) for one in single] == pairs
    assert [json.loads(one.old_value) for one in several] == [{"ValueData": a, "ValueType": "DWORD"} for a, _ in pairs]
    assert [json.loads(one.new_value) for one in several] == [{"ValueData": b, "ValueType": "SZ"} for _, b in pairs]
