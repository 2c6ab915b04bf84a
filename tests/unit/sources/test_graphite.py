"""Graphite's plaintext lines: host behind a prefix, tags, and lines that are none."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def test_lines_and_what_is_wrong_with_some(decode: Decode) -> None:
    lines = (
        "collectd.Web01.load.load.shortterm 0.12 1772366400.5", "web01.cpu-0.cpu-idle 5.5e-1 1772366400",
        "disk.used;server=Web01;rack=a 5 1772366400", "web01.memory.free nan 1772366400",
        "web01.memory.free x 1772366400", "  web01.memory.used\t7\t1772366400\r",
    )  # fmt: skip

    found, [prose] = decode("\n".join(lines), "it costs 5.20 in 2026")

    assert [(one.metric, one.value) for one in found if one.table == "metrics"] == [
        ("load.load.shortterm", 0.12), ("cpu-0.cpu-idle", 0.55), ("disk.used", 5), ("memory.used", 7),
    ]  # fmt: skip
    assert [one.resource_id for one in found if one.table == "metrics"] == ["web01"] * 4
    assert [one.reason for one in found] == [None, None, None, "no_data_points", "malformed_line", None]
    assert (found[0].event_time, found[0].namespace) == (datetime(2026, 3, 1, 12, 0, 0, 500000), "load")
    assert found[2].dimensions == {"server": "Web01", "rack": "a"}
    assert found[0].attributes == {"path": "collectd.Web01.load.load.shortterm"}
    assert prose.reason == "malformed_json"


def test_a_host_may_have_dots_in_its_name(decode: Decode) -> None:
    paths = (
        "Web-01.example.com.df-dev-shm.percent_bytes-free", "collectd.web.example.com.memory.memory-used",
        "10.0.0.1.cpu-0.cpu-idle", "cpu.load", "web.custom-a.b.gauge-x",
    )  # fmt: skip

    [found] = decode("\n".join(f"{path} 5 1772366400" for path in paths))

    assert [(one.host_name, one.namespace, one.metric) for one in found] == [
        ("web-01.example.com", "df-dev-shm", "df-dev-shm.percent_bytes-free"),
        ("web.example.com", "memory", "memory.memory-used"), ("10.0.0.1", "cpu-0", "cpu-0.cpu-idle"),
        ("cpu", "load", "load"), ("web", "custom-a", "custom-a.b.gauge-x"),
    ]  # fmt: skip


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=30, max_size=60))
def test_any_number_arrives_as_it_was_measured(decode: Decode, several: list[float]) -> None:
    [found] = decode("\n".join(f"h.p.t {value!r} 1772366400" for value in several))

    assert [repr(one.value) for one in found] == [repr(value) for value in several]
