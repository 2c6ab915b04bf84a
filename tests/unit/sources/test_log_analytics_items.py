"""Log Analytics export, tables ConfigurationData and Update."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def row(table: str, **columns: Any) -> dict[str, Any]:
    return {"Type": table, "TimeGenerated": "2026-03-02T08:00:10Z", "Computer": "Web-1", "_ItemId": "i", **columns}


def data(kind: str | None, **columns: Any) -> dict[str, Any]:
    return row("ConfigurationData", ConfigDataType=kind, **columns)


def test_each_kind_of_item_has_its_name_where_the_kind_keeps_it(decode: Decode) -> None:
    key = "HKEY_LOCAL_MACHINE\\Software\\Run"
    rows = [
        data("Software", SoftwareName="openssl", CurrentVersion="3.0", Publisher="Ubuntu", Architecture="amd64"),
        data("WindowsServices", SvcName="w32time", SvcDisplayName="Windows Time", SvcState="Running"),
        data("Daemons", SvcName="sshd", SvcState="running", SvcRunlevels="2, 3"),
        data("Files", FileSystemPath="/etc/hosts", Size=12),
        data("Registry", RegistryKey=key, ValueName="Agent", ValueData="x", Hive="HKLM"),
        data("Registry", RegistryKey=key, ValueName=""),
        data("Drivers", SoftwareName="disk.sys"),
        data(None, FileSystemPath="/etc/passwd"),
        data("Software", SoftwareName=""),
        row("Update", Title="Cumulative (KB1)", KBID="1", UpdateState="Needed", Approved=True),
        row("Update", Product="tzdata", ProductVersion="2026a", UpdateState="Installed", KBID=""),
        row("Update", UpdateState="Needed"),
    ]

    [found] = decode({"records": rows})

    items = [one for one in found if one.table == "configuration_items"]
    assert [(one.item_type, one.item_name, one.version, one.state) for one in items] == [
        ("software", "openssl", "3.0", None),
        ("service", "w32time", None, "Running"),
        ("daemon", "sshd", None, "running"),
        ("file", "/etc/hosts", None, None),
        ("registry", f"{key}\\Agent", None, None),
        ("registry", key, None, None),
        ("drivers", "disk.sys", None, None),
        ("file", "/etc/passwd", None, None),
        ("update", "Cumulative (KB1)", None, "Needed"),
        ("update", "tzdata", "2026a", "Installed"),
    ]
    assert items[0].publisher == "Ubuntu"
    assert (items[0].resource_id, items[0].source) == ("web-1", "azure.log_analytics.configurationdata")
    assert [one.attributes for one in items] == [
        {"Architecture": "amd64"},
        {"SvcDisplayName": "Windows Time"},
        {"SvcRunlevels": "2, 3"},
        {"Size": "12"},
        {"ValueData": "x", "Hive": "HKLM"},
        None,
        None,
        None,
        {"KBID": "1", "Approved": "true"},
        {"KBID": ""},
    ]
    assert [one.reason for one in found if one.table == "quarantine"] == ["no_item", "no_item"]


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(items=st.lists(st.tuples(st.sampled_from(["SoftwareName", "SvcName", "FileSystemPath"]), names), min_size=30))
def test_any_name_arrives_as_it_was_written(decode: Decode, items: list[tuple[str, str]]) -> None:
    [found] = decode([data(None, **{member: name}) for member, name in items])

    assert [one.item_name for one in found] == [name for _, name in items]
