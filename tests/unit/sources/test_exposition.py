"""A scrape in Prometheus' text format and in OpenMetrics: a row a sample."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from pipelines.sources.decode import decode as decode_values
from tests.unit.sources.conftest import ARRIVAL, BRONZE, Decode

NODE = r"""
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 1027.5 1772366400500
node_cpu_seconds_total{cpu="0", mode="user",} 3e+02
# Just a comment
node_textfile{path="C:\\DIR\\new",error="first\nsecond \"quoted\""} 1.458255915e9

node_load1 NaN
something_weird{problem="division by zero"} +Inf -3982045
# TYPE node_time histogram
node_time_bucket{le="+Inf"} 4
node_uname_info{domainname="(none)",nodename="Web-1",release="6.1"} 1
broken{a="b} 1
broken twice here
"""
OPEN = """# TYPE requests counter
# UNIT requests_seconds seconds
# HELP requests How many
requests_total{instance="10.0.0.1:9100"} 17.0 1772366400.5 # {trace_id="a"} 0.67
# TYPE requests_seconds gauge
requests_seconds{instance="10.0.0.1:9100"} 2
# EOF
"""


def test_a_scrape_of_a_node(decode: Decode) -> None:
    [found] = decode(NODE)

    good = [one for one in found if one.table == "metrics"]
    assert [one.metric for one in good] == [
        "node_cpu_seconds_total", "node_cpu_seconds_total", "node_textfile", "node_load1", "something_weird",
        "node_time_bucket", "node_uname_info",
    ]  # fmt: skip
    assert [one.value for one in good if one.value == one.value] == [1027.5, 300, 1458255915, math.inf, 4, 1]
    assert {(one.resource_id, one.host_name, one.namespace) for one in good} == {("Web-1", "web-1", "prometheus")}
    assert good[0].event_time == datetime(2026, 3, 1, 12, 0, 0, 500000)
    assert good[1].event_time == ARRIVAL.replace(tzinfo=None)
    assert good[4].event_time == datetime(1969, 12, 31, 22, 53, 37, 955000)
    assert good[0].attributes == {"type": "counter", "help": "Seconds the CPUs spent in each mode."}
    assert good[5].attributes == {"type": "histogram"}
    assert good[1].dimensions == {"cpu": "0", "mode": "user"}
    assert good[2].dimensions == {"path": r"C:\DIR\new", "error": 'first\nsecond "quoted"'}
    assert [one.reason for one in found if one.table != "metrics"] == ["malformed_line", "malformed_line"]


def test_openmetrics_and_what_names_the_target(decode: Decode) -> None:
    [total, seconds], [other], [nothing], [hinted, line] = decode(
        OPEN, 'up{job="x"} 1\n', "# TYPE a counter\n", "warm 20\nit is {quite} warm", topic="prometheus.node1"
    )

    assert (total.resource_id, total.host_name, total.event_time.microsecond) == ("10.0.0.1:9100", "10.0.0.1", 500000)
    assert total.attributes == {"type": "counter", "help": "How many", "exemplar": '{trace_id="a"} 0.67'}
    assert (seconds.unit, seconds.value) == ("seconds", 2)
    assert (other.resource_id, nothing.reason) == ("prometheus.node1", "no_data_points")
    assert (hinted.table, line.reason) == ("metrics", "malformed_line")


def test_what_is_counted_has_no_unit(decode: Decode) -> None:
    text = """# HELP lat_seconds How\\nlong C:\\\\new
# TYPE lat_seconds histogram
# UNIT lat_seconds seconds
lat_seconds_bucket{le="+Inf"} 17 # {trace_id="a"} 9.8 1772366400.1
lat_seconds_count 17
lat_seconds_sum 3.5
# EOF
"""
    [found] = decode(text)

    assert [(one.metric, one.unit) for one in found] == [
        ("lat_seconds_bucket", None), ("lat_seconds_count", None), ("lat_seconds_sum", "seconds"),
    ]  # fmt: skip
    assert found[0].attributes["help"] == "How\nlong C:\\new"
    assert found[0].attributes["exemplar"] == '{trace_id="a"} 9.8 1772366400.1'


def test_a_scrape_that_is_sent_line_by_line(decode: Decode) -> None:
    lines = ("# HELP up Whether it is", "# TYPE up gauge", "up 1", "# EOF", "# a comment", "# HELP")

    found = decode(*lines, topic="prometheus.lines")

    assert [one.reason for [one] in found] == [
        "no_data_points", "no_data_points", None, "no_data_points", "malformed_json", "no_data_points",
    ]  # fmt: skip


def test_a_scrape_of_the_same_words_is_another_if_it_was_sent_at_another_time(spark: SparkSession) -> None:
    scrape, lines = b"# TYPE up gauge\nup 1\n", b"<14>Mar  1 12:00:00 h a: one\n<14>Mar  1 12:00:00 h a: two"
    sent = [(scrape, 0), (scrape, 0), (scrape, 15), (lines, 0), (lines, 15)]
    rows = [
        ("t", 0, offset, ARRIVAL + timedelta(seconds=later), ARRIVAL, value, None)
        for offset, (value, later) in enumerate(sent)
    ]

    found = decode_values(spark.createDataFrame(rows, BRONZE)).orderBy("offset").select("event_id").collect()

    first, again, later, one, other = (row.event_id for row in found)
    assert first == again != later
    assert one == other != first


def test_other_text_is_no_scrape(decode: Decode) -> None:
    found = decode("warm 20", "it is quite warm today", "# HELP me please it is 5 o'clock\n# and late", "a: 1\nb: 2")

    assert [one.reason for several in found for one in several] == [
        "malformed_json", "malformed_json", "malformed_json", "malformed_json",
    ]  # fmt: skip


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\r\x1f"), max_size=30)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.tuples(texts, st.floats()), min_size=30, max_size=60))
def test_any_label_and_number_arrive(decode: Decode, several: list[tuple[str, float]]) -> None:
    def line(label: str, value: float) -> str:
        escaped = label.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'x{{l="{escaped}"}} {value!r}'

    [found] = decode("\n".join(line(*one) for one in several))

    assert [(one.dimensions["l"], repr(one.value)) for one in found] == [
        (label, repr(value)) for label, value in several
    ]
