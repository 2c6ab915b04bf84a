"""Values of a query's answer as a person, a CSV reader or a JSON reader wants them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_LONGEST_BINARY = 48


def plain(value: Any) -> Any:
    """What JSON can hold: times as ISO 8601, text out of bytes, NaN and ±Inf as text."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of(bytes(value))
    if isinstance(value, datetime):
        return _moment(value, separator="T") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def for_csv(value: Any) -> str:
    """Null is an empty cell; maps and lists are JSON."""
    simple = plain(value)
    if simple is None:
        return ""
    return json.dumps(simple, ensure_ascii=False) if isinstance(simple, dict | list) else str(simple)


def for_table(value: Any) -> str:
    """Short and without quotes: `key=value, …` for a map, a few significant digits for a number."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return _moment(value, separator=" ")
    if isinstance(value, float):
        return (
            f"{value:,.6g}"
            if 1e-4 <= abs(value) < 1e6
            else f"{value:,.1f}"
            if 1e6 <= abs(value) < 1e15
            else f"{value:g}"
        )
    if isinstance(value, bytes | bytearray | memoryview):
        content = bytes(value)
        text = _text_of(content)
        return text if len(text) <= _LONGEST_BINARY else f"{text[:_LONGEST_BINARY]}… ({len(content):,} bytes)"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={for_table(each)}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(for_table(each) for each in value)
    return str(value)


def _text_of(content: bytes) -> str:
    """Bytes that are text as text; a few broken ones are shown as `\\xff`; anything else is hexadecimal."""
    text = content.decode("utf-8", "backslashreplace")
    strange = sum(not (character.isprintable() or character in "\r\n\t") for character in text) + text.count("\\x")
    return text if strange <= len(text) / 10 else f"0x{content.hex()}"


def _moment(value: datetime, *, separator: str) -> str:
    text = value.replace(tzinfo=None).isoformat(separator, "milliseconds" if value.microsecond % 1000 == 0 else "auto")
    return text.removesuffix(".000")
