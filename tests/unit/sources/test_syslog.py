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


def test_lines_as_rsyslog_and_syslog_ng_write_them(decode: Decode) -> None:
    forwarded, untagged, cut_priority, cisco = (
        "<165>2026-03-01T12:00:00.5Z web01 shop[811] sent in RFC 5424",
        "<165>2026-03-01T12:00:00.5Z web01 shop sent without a process",
        "<invld>1 2026-03-01T12:00:00+00:00 web01 - - - - <999>Mar  1 12:00:00 web04 app: bad",
        "2026-03-01T12:00:00+00:00 fw01 : %ASA-6-302013: Built",
    )
    blank = "<34>1 2026-03-01T12:00:00+00:00 web01 su - - -  \ufeff'su root'#012failed"
    cee = '<14>1 2026-03-01T12:00:00Z web01 shop 8 - - @cee: {"pid":"9","user":"ö","n":1.5,"of":{"a":[1]}}'
    no_cee = "<14>1 2026-03-01T12:00:00Z web01 shop 8 - - @cee: {cut"

    found = decode(forwarded, untagged, cut_priority, cisco, blank, cee, no_cee)

    assert [log.table for [log] in found] == ["logs"] * 7
    assert [log.message for [log] in found[:5]] == [
        "sent in RFC 5424", "shop sent without a process", "<999>Mar  1 12:00:00 web04 app: bad", "Built",
        "'su root'#012failed",
    ]  # fmt: skip
    assert [(log.logger, log.severity_text) for [log] in found[:5]] == [
        ("shop", "notice"), (None, "notice"), (None, None), ("%ASA-6-302013", None), ("su", "crit"),
    ]  # fmt: skip
    assert found[0][0].attributes == {"facility": "local4", "pid": "811"}
    assert found[5][0].attributes == {
        "facility": "user", "pid": "8", "user": "ö", "n": "1.5", "of": '{"a":[1]}',
    }  # fmt: skip
    assert found[6][0].attributes == {"facility": "user", "pid": "8"}


def test_a_line_without_a_tag_is_syslog_in_a_topic_of_syslog(decode: Decode) -> None:
    lines = "2026-03-01T12:00:00Z web01 it is quite warm", "Mar  1 12:00:00 2001:db8::1 shop text"
    beside = "2026-03-01T12:00:00Z web01 su: one\n2026-03-01T12:00:00Z web01 no tag"

    [[first], [second], [level], [prose]] = decode(
        *lines, "2026-03-01T12:00:00Z INFO started", "it is quite warm today", topic="syslog.hosts"
    )
    [[elsewhere], [_, of_another]] = decode(lines[0], beside)

    assert (first.host_name, first.message, first.logger) == ("web01", "it is quite warm", None)
    assert (second.host_name, second.message) == ("2001:db8::1", "shop text")
    assert (level.reason, prose.reason, elsewhere.reason) == ("malformed_json",) * 3
    assert (of_another.host_name, of_another.message) == ("web01", "no tag")


def test_frames_end_where_their_counts_say(decode: Decode) -> None:
    messages = ("<14>1 2026-03-01T12:00:00Z h a - - - ünï\n<14>ends in 12", "<14>Mar  1 12:00:00 h a: two\n", "<14>1 x")
    framed = "".join(f"{len(message.encode())} {message}" for message in messages)
    miscounted = framed.replace("<14>ends", "<14>it ends")

    several, not_so, [one] = decode(framed + "\n", miscounted, "99999 " + messages[1])

    assert [log.message for log in several[:2]] == ["ünï\n<14>ends in 12", "two"]
    assert several[2].reason == "malformed_line"
    assert not_so[0].message == "ünï"
    assert one.message == "two"


def test_a_line_in_another_encoding_goes_alone(decode: Decode) -> None:
    lines = (
        b"<14>Mar  1 12:00:00 h a: one",
        b"<14>Mar  1 12:00:00 h caf\xe9: two",
        b"<14>Mar  1 12:00:00 h a: thr\xc3\xbc",
    )
    records = (b'{"a":1}', b'{"b":"\xe9"}', b"{cut")

    text, ndjson, [alone], [binary] = decode(
        b"\r\n".join(lines), b"\n".join(records), lines[1], b"\n\x02\xe9\n<14>Mar  1 12:00:00 h a: one"
    )

    assert [one.reason or one.message for one in text] == ["one", "thrü", "invalid_utf8"]
    assert text[2].raw == lines[1]
    assert [one.reason for one in ndjson] == ["unknown_envelope", "malformed_json", "invalid_utf8"]
    assert (alone.reason, binary.reason) == ("invalid_utf8", "invalid_utf8")


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
