"""collectd's value lists as JSON: a row a value, and what is not a value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def values(**changes: Any) -> dict[str, Any]:
    made = {
        "values": [10, 20.5], "dstypes": ["derive", "gauge"], "dsnames": ["rx", "tx"], "time": 1772366400.5,
        "interval": 10.000, "host": "Web-1", "plugin": "interface", "plugin_instance": "eth0", "type": "if_octets",
        "type_instance": "", "meta": {"network:received": True},
    }  # fmt: skip
    return made | changes


def test_a_row_for_each_value(decode: Decode) -> None:
    single = values(values=[1], dstypes=["gauge"], dsnames=["value"], plugin="cpu", plugin_instance="0", type="cpu",
                    type_instance="idle", time="1772366400")  # fmt: skip

    [[rx, tx, idle]] = decode([values(), single])

    assert (rx.source, rx.event_time) == ("collectd", datetime(2026, 3, 1, 12, 0, 0, 500000))
    assert [(one.metric, one.value) for one in (rx, tx, idle)] == [
        ("if_octets.rx", 10),
        ("if_octets.tx", 20.5),
        ("cpu", 1),
    ]
    assert (rx.namespace, rx.resource_id, rx.host_name, rx.interval_seconds) == ("interface", "web-1", "web-1", 10)
    assert (rx.dimensions, idle.dimensions) == (
        {"plugin_instance": "eth0"}, {"plugin_instance": "0", "type_instance": "idle"},
    )  # fmt: skip
    assert rx.attributes == {"interval": "10", "meta": '{"network:received":true}', "dstype": "derive"}


def test_what_is_not_measured_and_what_is_wrong(decode: Decode) -> None:
    found = decode(
        values(values=[None, 1]),
        values(values=["NaN", "2.5"]),
        values(values=["x", 1]),
        values(values=[]),
        values(values="x"),
        values(time="soon", values=[1]),
        values(host="", values=[1]),
        values(dsnames=None),
        values(interval=1e300, values=[1]),
        values(interval=0.5, values=[1]),
    )

    assert [[one.reason for one in several] for several in found] == [
        ["no_data_points", None], ["no_data_points", None], ["bad_value", None], ["no_data_points"], ["wrong_shape"],
        ["bad_time"], ["no_resource"], [None, None], [None], [None],
    ]  # fmt: skip
    assert [one.metric for one in found[7]] == ["if_octets.0", "if_octets.1"]
    assert found[8][0].interval_seconds is None
    assert (found[9][0].interval_seconds, found[9][0].attributes["interval"]) == (None, "0.5")


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=30, max_size=60))
def test_any_number_arrives_as_it_was_measured(decode: Decode, several: list[float]) -> None:
    [found] = decode(values(values=several, dsnames=[f"v{place}" for place in range(len(several))]))

    # Minus nothing is nothing.
    assert [repr(one.value) for one in found] == [repr(value + 0.0) for value in several]
