"""Damaged copies of good values: never a row that says what nobody sent, never an error, never gone without trace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode, Found

PERF = [
    {
        "TimeGenerated": f"2026-11-21T11:00:0{number}Z", "Computer": f"host-{number}", "ObjectName": "Memory",
        "CounterName": "it's % used", "CounterValue": 1.5 + number, "Type": "Perf",
    }
    for number in range(4)
]  # fmt: skip
SAMPLES = [
    {
        "labels": {"instance": f"host-{number}"}, "name": "load", "timestamp": f"2026-11-21T11:00:0{number}Z",
        "value": f"{number}.5",
    }
    for number in range(4)
]  # fmt: skip
# As Azure Functions write it: the whole value is no JSON for the sake of one member.
FUNCTIONS = (
    '{"time":"2026-11-21T11:00:0%dZ","resourceId":"/SUBSCRIPTIONS/A/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/F%d",'
    '"category":"FunctionAppLogs","operationName":"Microsoft.Web/sites/functions/log","level":"Informational",'
    "\"properties\":{'appName':'f','message':'it\\'s started (%d ms)','levelId':2,'processId':60}}"
)
ORIGINALS = {
    "export": json.dumps({"records": PERF}, separators=(",", ":")),
    "lines": "\n".join(json.dumps(sample, separators=(",", ":")) for sample in SAMPLES),
    "single-quoted": '{"records":[' + ",".join(FUNCTIONS % (n, n, n) for n in range(4)) + "]}",
}


@dataclass(frozen=True)
class Damaged:
    """`keeps`: whether what was done to it can never leave a record that says something else."""

    original: str
    value: bytes
    keeps: bool


def said(row: Found) -> tuple[Any, ...]:
    columns = ("event_time", "resource_id", "host_name", "metric", "value", "message", "attributes", "dimensions")
    return tuple(str(row.row[name]) for name in columns if name in row.row)


def is_json(text: bytes) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        for line in text.decode().splitlines():
            json.loads(line, parse_constant=refuse)
    except ValueError:
        return False
    return True


@st.composite
def damaged(draw: st.DrawFn) -> Damaged:
    original = draw(st.sampled_from(sorted(ORIGINALS)))
    value = ORIGINALS[original].encode()
    place = draw(st.integers(0, len(value) - 1))
    how = draw(st.sampled_from(("cut", "flip", "brace", "repeat", "nul", "quote")))
    if how == "cut":
        return Damaged(original, value[:place], keeps=True)
    if how == "nul":
        return Damaged(original, value[:place] + b"\x00" + value[place:], keeps=True)
    if how == "brace":
        braces = [at for at, sign in enumerate(value) if sign in b"{}[]"]
        at = draw(st.sampled_from(braces))
        return Damaged(original, value[:at] + value[at + 1 :], keeps=True)
    if how == "quote":
        quotes = [at for at, sign in enumerate(value) if sign in b"\"'"]
        at = draw(st.sampled_from(quotes))
        return Damaged(original, value[:at] + value[at + 1 :], keeps=False)
    if how == "repeat":
        keys = [key for key in (b'"Computer":"host-1",', b'"name":"load",', b"'appName':'f',") if key in value]
        at = value.index(keys[0])
        return Damaged(original, value[:at] + keys[0] + value[at:], keeps=True)
    return Damaged(
        original, value[:place] + bytes([value[place] ^ draw(st.integers(1, 255))]) + value[place + 1 :], False
    )


@pytest.fixture(scope="module")
def originals(decode: Decode) -> dict[str, list[Found]]:
    return dict(zip(ORIGINALS, decode(*ORIGINALS.values()), strict=True))


def test_the_originals_are_good(originals: dict[str, list[Found]]) -> None:
    tables = {name: [row.table for row in rows] for name, rows in originals.items()}

    assert tables == {"export": ["metrics"] * 4, "lines": ["metrics"] * 4, "single-quoted": ["logs"] * 4}
    assert originals["single-quoted"][3].message == "it's started (3 ms)"


# Shrinking would start Spark for each step.
@settings(max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(copies=st.lists(damaged(), min_size=400, max_size=500))
def test_a_damaged_copy_gives_its_untouched_records_or_goes_to_quarantine(
    decode: Decode, originals: dict[str, list[Found]], copies: list[Damaged]
) -> None:
    whole = {name: {said(row) for row in rows} for name, rows in originals.items()}
    for copy, rows in zip(copies, decode(*(copy.value for copy in copies)), strict=True):
        good = {said(row) for row in rows if row.reason is None}
        rest = [row for row in rows if row.reason is not None]
        invented, missing = good - whole[copy.original], whole[copy.original] - good

        assert rows, f"no trace of {copy.value!r}"
        assert len(invented) <= 1, copy.value
        if copy.keeps or (copy.original != "single-quoted" and not is_json(copy.value)):
            assert not invented, copy.value
        if missing and b"\n" not in copy.value and not (copy.keeps and copy.original == "lines"):
            assert rest or invented, f"{len(missing)} records of {copy.value!r} are nowhere"
