"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+|0")


def parse_span(text: object) -> timedelta:
    """`'1h30m'` → timedelta. Raises ValueError, which says what would be right."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or _WHOLE.fullmatch(text) is None:
        raise ValueError("should be a duration as in Prometheus, such as 30s, 5m or 1h30m")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _some(text: object) -> timedelta:
    span = parse_span(text)
    if span <= timedelta(0):
        raise ValueError("should be longer than nothing, such as 5m")
    return span


Span = Annotated[timedelta, BeforeValidator(parse_span)]
PositiveSpan = Annotated[timedelta, BeforeValidator(_some)]
