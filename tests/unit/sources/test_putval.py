"""collectd's PUTVAL lines: several values and times a line, and lines that are cut."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import ARRIVAL, Decode


def test_lines_of_value_lists(decode: Decode) -> None:
    text = (
        'PUTVAL "Web-1/load/load" interval=10.000 1772366400.5:0.1:0.2:0.3 1772366410:U:2:nan\n'
        "putval web-1/cpu-0/cpu-idle interval=10 N:5\n\n"
        'PUTVAL "web-1/df-root/df_complex-used space" interval=60 1772366400:7\r\n'
        "PUTVAL web-1/custom/pair 1772366400:1:2\n"
    )

    [found] = decode(text)

    good = [one for one in found if one.table == "metrics"]
    assert [(one.metric, one.value) for one in good] == [
        ("load.shortterm", 0.1), ("load.midterm", 0.2), ("load.longterm", 0.3), ("load.midterm", 2), ("cpu", 5),
        ("df_complex", 7), ("pair.0", 1), ("pair.1", 2),
    ]  # fmt: skip
    assert [one.reason for one in found if one.table != "metrics"] == ["no_data_points", "no_data_points"]
    assert (good[0].source, good[0].resource_id, good[0].namespace) == ("collectd", "web-1", "load")
    assert (good[0].event_time, good[0].interval_seconds) == (datetime(2026, 3, 1, 12, 0, 0, 500000), 10)
    assert (good[4].event_time, good[4].dimensions) == (
        ARRIVAL.replace(tzinfo=None), {"plugin_instance": "0", "type_instance": "idle"},
    )  # fmt: skip
    assert good[5].dimensions == {"plugin_instance": "root", "type_instance": "used space"}
    assert good[0].attributes == {"options": "interval=10.000"}


def test_names_that_collectd_writes(decode: Decode) -> None:
    [busy, weighted, latency, counter], [alone] = decode(
        "PUTVAL h/disk-vda/disk_io_time interval=2.000 1772366400.838:31324:238824\n"
        'PUTVAL "my host/statsd/latency-t.t-percentile-90" interval=0.500 1772366400:-1.5e-300\n'
        "PUTVAL h/cpu/counter-c interval=10 1772366400:18446744073709551615",
        'PUTVAL "my host/a/b" N:1',
    )

    assert (busy.metric, weighted.metric) == ("disk_io_time.io_time", "disk_io_time.weighted_io_time")
    assert (latency.resource_id, latency.value, latency.interval_seconds) == ("my host", -1.5e-300, None)
    assert latency.dimensions == {"type_instance": "t.t-percentile-90"}
    assert (counter.value, alone.resource_id) == (2.0**64, "my host")


def test_a_bad_line_goes_alone(decode: Decode) -> None:
    [found] = decode("PUTVAL h/cpu/cpu N:1\nPUTVAL h/cpu\nPUTVAL h/cpu/cpu interval=10\nPUTVAL h/cpu/cpu N:x\nhello")

    assert [one.reason for one in found] == [None, "malformed_line", "malformed_line", "bad_value", "malformed_line"]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=30, max_size=60))
def test_any_number_arrives_as_it_was_measured(decode: Decode, several: list[float]) -> None:
    [found] = decode("\n".join(f"PUTVAL h/p/t N:{value!r}" for value in several))

    assert [repr(one.value) for one in found] == [repr(value) for value in several]
