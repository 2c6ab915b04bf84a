"""Records and values that no pipeline can take at face value, made from good ones, and why each is bad.

A fault of a record leaves the records around it good; a fault of a value loses the whole value, which counts as one
item.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pipelines.local.simulator.incidents import AWS, HEARTBEAT, PERF

# A leap year stays a leap year, so the date stays a date.
_YEARS_AHEAD = 12
_MS_AHEAD = _YEARS_AHEAD * 365 * 86_400_000

RecordFault = Callable[[dict[str, Any], str], None]
ValueFault = Callable[[bytes, str], bytes | None]


def _missing_time(record: dict[str, Any], topic: str) -> None:
    del record[_time_field(topic)]


def _future_time(record: dict[str, Any], topic: str) -> None:
    field = _time_field(topic)
    time = record[field]
    record[field] = time + _MS_AHEAD if isinstance(time, int) else f"{int(time[:4]) + _YEARS_AHEAD}{time[4:]}"


def _non_numeric_value(record: dict[str, Any], topic: str) -> None:
    if topic == AWS:
        record["value"]["sum"] = "n/a"
    else:
        record["CounterValue" if topic == PERF else "value"] = "n/a"


def _missing_value(record: dict[str, Any], topic: str) -> None:
    del record["CounterValue" if topic == PERF else "value"]


def _time_field(topic: str) -> str:
    return "TimeGenerated" if topic in (HEARTBEAT, PERF) else "timestamp"


def _truncated_json(value: bytes, topic: str) -> bytes:
    """Cut off within the second row of two, or within the only record."""
    return (b'{"records":[' + value + b"," if topic in (HEARTBEAT, PERF) else b"") + value[: len(value) * 3 // 5]


def _wrong_shape(value: bytes, topic: str) -> bytes:
    """One text where one object should be, in a list as the topic would have it."""
    if topic in (HEARTBEAT, PERF):
        return b'{"records":["%s"]}' % topic.removeprefix("am-").encode()
    return b'["AWS/EC2"]\n' if topic == AWS else b'["up"]'


def _invalid_utf8(value: bytes, topic: str) -> bytes:
    place = value.index(b'":"') + 3  # inside the first text value: the JSON around it stays well-formed
    return value[:place] + b"\xff\xfe" + value[place:]


def _unknown_envelope(value: bytes, topic: str) -> bytes:
    return b'{"greeting":"hello","sent_by":"a service with the wrong topic"}'


def _empty_value(value: bytes, topic: str) -> bytes:
    return b""


def _tombstone(value: bytes, topic: str) -> None:
    return None


RECORD_FAULTS: dict[str, RecordFault] = {
    "missing_time": _missing_time,
    "future_time": _future_time,
    "non_numeric_value": _non_numeric_value,
    "missing_value": _missing_value,
}
VALUE_FAULTS: dict[str, ValueFault] = {
    "truncated_json": _truncated_json,
    "wrong_shape": _wrong_shape,
    "invalid_utf8": _invalid_utf8,
    "unknown_envelope": _unknown_envelope,
    "empty_value": _empty_value,
    "tombstone": _tombstone,
}


def reasons(topic: str) -> tuple[str, ...]:
    """The faults a topic can have, in the order they are dealt out; a heartbeat has no value to spoil."""
    without = ("non_numeric_value", "missing_value") if topic == HEARTBEAT else ()
    both = (*RECORD_FAULTS, *VALUE_FAULTS)
    return tuple(reason for reason in both if reason not in without)


def spoil_record(row: str, reason: str, topic: str) -> str:
    """A bad version of a good record: JSON still, and with an id of its own."""
    record = json.loads(row)
    if "_ItemId" in record:
        record["_ItemId"] = "bad0" + record["_ItemId"][4:]
    RECORD_FAULTS[reason](record, topic)
    return json.dumps(record, separators=(",", ":")) + ("\n" if topic == AWS else "")


def spoil_value(row: str, reason: str, topic: str) -> bytes | None:
    """A bad Kafka value, made from one good record."""
    return VALUE_FAULTS[reason](row.encode(), topic)
