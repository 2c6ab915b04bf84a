"""Syslog as text: both RFCs, rsyslog's templates, several messages a value, and text that is no syslog."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import ARRIVAL, Decode

ARRIVED = ARRIVAL.replace(tzinfo=None)


def test_rfc_5424(decode: Decode) -> None:
    data = r'[id@1 a="x" b="say \"hi\" \\ \]"][origin ip="10.0.0.1" ip="10.0.0.2"][empty]'

    [[full], [nil], [no_data], [unescaped], [counted]] = decode(
        f"<165>1 2026-03-01T12:00:00.000003-07:00 Web-1 shop 811 ORDER {data} \ufeffdone",
        "<14>1 - - shop - - -",
        "<40>1 2026-03-01T12:00:00+00:00 host heroku web.3 - State changed",
        '<14>1 2026-03-01T12:00:00Z h p - - [id a="b]c"] m',
        "58 <14>1 2026-03-01T12:00:00,5Z h p - - - -\n",
    )

    assert (full.table, full.source, full.message) == ("logs", "syslog", "done")
    assert full.event_time == datetime(2026, 3, 1, 19, 0, 0, 3)
    assert (full.resource_id, full.host_name, full.logger) == ("web-1", "web-1", "shop")
    assert (full.severity_text, full.severity_number) == ("notice", 10)
    assert full.attributes == {
        "facility": "local4", "pid": "811", "msgid": "ORDER", "id@1.a": "x", "id@1.b": r'say "hi" \ ]',
        "origin.ip": "10.0.0.1,10.0.0.2", "empty": "",
    }  # fmt: skip
    assert (nil.event_time, nil.resource_id, nil.host_name, nil.message) == (ARRIVED, "shop", None, "")
    assert (no_data.message, no_data.attributes["pid"]) == ("State changed", "web.3")
    assert (unescaped.message, unescaped.attributes["id.a"]) == ("m", "b]c")
    assert (counted.message, counted.event_time.microsecond) == ("-", 500000)


def test_rfc_3164_and_what_devices_make_of_it(decode: Decode) -> None:
    lines = (
        "<34>Oct 11 22:14:15 Web-1 su: 'su root' failed",
        "<13>Feb  5 17:32:18 10.0.0.99 Use the force",
        "<30>Dec 31 23:59:59.123456 web01 systemd[1]: Started: x",
        "<34>2026-03-01T05:14:15.000003-07:00 web01 app[12]: forwarded",
        "<86>Oct 11 22:14:15 sshd[811]: from a socket",
        "<189>30: router1: *Mar  1 18:48:51.483 UTC: %SYS-5-CONFIG_I: Configured",
        "<166>Oct 11 2025 22:14:15 fw01 : %ASA-6-302013: Built",
        "<14>Feb 29 10:00:00 web01 app: on a leap day",
        "<14>Nov 22 11:00:00 web01 app: of a clock that is ahead",
    )

    [found] = decode("\n".join(lines))

    assert [log.message for log in found if log.table == "logs"] == [
        "'su root' failed", "Use the force", "Started: x", "forwarded", "from a socket", "Configured", "Built",
        "on a leap day",
    ]  # fmt: skip
    assert [log.resource_id for log in found if log.table == "logs"] == [
        "web-1", "10.0.0.99", "web01", "web01", "sshd", "router1", "fw01", "web01",
    ]  # fmt: skip
    assert [log.event_time for log in found if log.table == "logs"] == [
        datetime(2026, 10, 11, 22, 14, 15), datetime(2026, 2, 5, 17, 32, 18),
        datetime(2025, 12, 31, 23, 59, 59, 123456), datetime(2026, 3, 1, 12, 14, 15, 3),
        datetime(2026, 10, 11, 22, 14, 15), datetime(2026, 3, 1, 18, 48, 51, 483000),
        datetime(2025, 10, 11, 22, 14, 15), datetime(2024, 2, 29, 10),
    ]  # fmt: skip
    assert [log.logger for log in found[:6]] == ["su", None, "systemd", "app", "sshd", "%SYS-5-CONFIG_I"]
    assert found[-1].reason == "future_time"


def test_files_have_no_priority_and_messages_may_go_on(decode: Decode) -> None:
    modern = "2026-03-01T05:14:15.000003-07:00 web01 app[12]: failed\n\tat shop.Cart\n  caused by: x\n"
    old = "Oct 11 22:14:15 web01 su: one\r\nOct 11 22:14:16 web01 last message repeated 2 times\r\n"
    several = "<13>Oct 11 22:14:15 web01 a: one\n2026-03-01T05:14:15Z web01 app: of the same message\n<13>Oct 11 x"

    [one], two, three = decode(modern, old, several)

    assert (one.message, one.severity_text, one.attributes) == (
        "failed\n\tat shop.Cart\n  caused by: x", None, {"pid": "12"},
    )  # fmt: skip
    assert [log.message for log in two] == ["one", "last message repeated 2 times"]
    assert three[0].message == "one\n2026-03-01T05:14:15Z web01 app: of the same message"
    assert three[1].reason == "malformed_line"


def test_a_bad_line_goes_alone(decode: Decode) -> None:
    lines = (
        "<34Oct 11 22:14:15 web01 su: cut", "<999>Oct 11 22:14:15 web01 su: no such priority",
        "<34>1 2026-13-01T22:14:15.003Z web01 su - - - bad month", "<34>Oct 11 22:14:15 web01 su: good",
        "<189>29: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: of no host",
    )  # fmt: skip

    [found] = decode("\n".join(lines))

    assert [one.reason for one in found] == ["malformed_line", "malformed_line", "bad_time", None, "no_resource"]


def test_other_text_is_no_syslog(decode: Decode) -> None:
    found = decode(
        "it is quite warm today",
        "2026-03-01T12:00:00Z INFO main: started",
        "2026-03-01 12:00:00,123 ERROR shop.Cart - failed",
        "Monday: rain\nTuesday: sun",
        "<html><body>x</body></html>",
        "Oct 11 was a fine day: it rained",
        "",
    )

    assert [one.reason for [one] in found] == [*["malformed_json"] * 6, "empty_value"]


def test_a_long_line_overflows_nothing(decode: Decode) -> None:
    data = '[id a="' + r"\"x" * 20_000 + '"]' + "[b]" * 5_000

    [[log], [bad]] = decode(f"<14>1 2026-03-01T12:00:00Z h p - - {data} m" + "x" * 100_000, "<14>" + '[a="' * 50_000)

    assert (log.message[:2], len(log.attributes["id.a"])) == ("mx", 40_000)
    assert bad.reason == "malformed_line"


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.tuples(words, words, st.integers(0, 191)), min_size=30, max_size=60))
def test_any_text_arrives_as_it_was_written(decode: Decode, several: list[tuple[str, str, int]]) -> None:
    def line(value: str, message: str, priority: int) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
        return f'<{priority}>1 2026-03-01T12:00:00Z web01 app - - [id v="{escaped}"] m {message}'

    [found] = decode("\n".join(line(*one) for one in several))

    assert [(log.attributes["id.v"], log.message) for log in found] == [
        (value, f"m {message}") for value, message, _ in several
    ]
