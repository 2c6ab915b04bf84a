"""Texts of many records as hosts send them, cut, with a byte flipped, mixed, or very long: a bad line costs itself."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.unit.sources.conftest import Decode, Found

_SCRAPE = (
    "# TYPE node_cpu_seconds_total counter", 'node_cpu_seconds_total{cpu="0",mode="idle"} 1027.5',
    'node_cpu_seconds_total{cpu="0",mode="ünï"} 3.5', "# TYPE node_load1 gauge", "node_load1 0.75",
    'node_disk_info{device="sda"} 1',
)  # fmt: skip
_PUTVAL = tuple(f"PUTVAL web/cpu-{cpu}/cpu-idle interval=10.000 1772366400.5:{cpu}.25" for cpu in range(5))
_GRAPHITE = tuple(f"collectd.web.cpu-{cpu}.cpu-idle {cpu}.25 1772366400" for cpu in range(5))
_RFC_5424 = tuple(f'<34>1 2026-03-01T12:00:00Z web su {pid} - [id@1 a="b"] number {pid} é' for pid in range(5))
_RFC_3164 = tuple(f"<34>Mar  1 12:00:00 web su[{pid}]: number {pid} é" for pid in range(5))
_TEXTS = (_SCRAPE, _PUTVAL, _GRAPHITE, _RFC_5424, _RFC_3164)


@st.composite
def cut(draw: DrawFn) -> tuple[tuple[str, ...], bytes]:
    """The whole lines of a text, and those with a part of the next."""
    lines = draw(st.sampled_from(_TEXTS))
    whole = draw(st.integers(2, len(lines) - 1))
    next_line = lines[whole].encode()
    part = next_line[: draw(st.integers(1, len(next_line) - 1))]
    return lines[:whole], "\n".join(lines[:whole]).encode() + b"\n" + part


@st.composite
def flipped(draw: DrawFn) -> tuple[tuple[str, ...], bytes]:
    """The lines of a text that are as they were, and all, with a byte flipped in one that is not the first."""
    lines = draw(st.sampled_from(_TEXTS))
    which = draw(st.integers(1, len(lines) - 1))
    spoilt = bytearray(lines[which].encode())
    spoilt[draw(st.integers(0, len(spoilt) - 1))] ^= draw(st.integers(1, 255))
    sent = [line.encode() for line in lines]
    sent[which] = bytes(spoilt)
    return lines[:which] + lines[which + 1 :], b"\n".join(sent)


def says(one: Found) -> tuple[str, str, float | str]:
    """What a row of metrics or logs says, but for what may come behind a message that a spoilt line was taken for."""
    if one.table == "metrics":
        return one.metric, str(sorted((one.dimensions or {}).items())), one.value
    return one.logger, one.attributes["pid"], one.message.split("\n")[0]


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(cut(), min_size=60, max_size=60), flips=st.lists(flipped(), min_size=120, max_size=120))
def test_the_lines_around_a_spoilt_one_arrive(
    decode: Decode, cuts: list[tuple[tuple[str, ...], bytes]], flips: list[tuple[tuple[str, ...], bytes]]
) -> None:
    both = cuts + flips

    found = decode(*("\n".join(lines) for lines in _TEXTS), *(sent for _, sent in both), topic="prometheus.syslog")

    expected = {
        line: says(one)
        for lines, rows in zip(_TEXTS, found, strict=False)
        for line, one in zip((line for line in lines if line[0] != "#"), rows, strict=True)
    }
    for (lines, sent), rows in zip(both, found[len(_TEXTS) :], strict=True):
        good = [says(one) for one in rows if one.table in ("metrics", "logs")]
        missing = [line for line in lines if line[0] != "#" and expected[line] not in good]
        assert not missing, (sent, rows)
        assert len(rows) <= len(lines) + 2


def test_formats_together_and_very_long_values(decode: Decode) -> None:
    mixed = "\n".join((_SCRAPE[1], _PUTVAL[0], _GRAPHITE[0], _RFC_5424[0], '{"a":1}', "hello"))
    long_label = 'x{l="' + "a" * 1_000_000 + '"} 1'
    many = "\n".join((_SCRAPE[0], *("hello",) * 5_000, _SCRAPE[1]))
    nul = "\n".join((_SCRAPE[0], _SCRAPE[1], "node_load1\x00 1", "\x00"))

    in_one, [label], lines, zeros, [junk] = decode(mixed, long_label, many, nul, "a\\b" * 400_000)

    assert sum(one.table == "metrics" for one in in_one) >= 1
    assert len(in_one) == 6
    assert (label.value, len(label.dimensions["l"])) == (1, 1_000_000)
    assert [one.reason for one in lines] == ["malformed_line"] * 5_000 + [None]
    assert [one.reason for one in zeros] == [None, "malformed_line", "malformed_line"]
    assert junk.reason == "malformed_json"
