"""Series as `promtool test rules` writes them: `name{label="x"}` and `0+10x5 _ stale`.

A name is a signal or metric, whose samples are rows of silver.metrics; or a table, with or without `:column`, whose
rows have the labels as columns and the samples in that column. Labels that are no columns go to `dimensions`;
`dimensions.x` and `attributes.x` name what is in those maps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.errors import AlertRuleError

METRICS = "silver.metrics"
_SERIES = re.compile(r"\s*(?P<name>[^{]+?)\s*(?:\{(?P<labels>.*)\})?\s*", re.DOTALL)
_LABELS = re.compile(r"\s*(\w+(?:\.\w+)*)\s*=\s*\"((?:[^\"\\]|\\.)*)\"\s*(?:,|$)")
_TABLE = re.compile(r"(?P<table>(?:silver|gold)\.\w+)(?::(?P<column>\w+))?")
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf"
_REPEATED = re.compile(rf"(?P<start>{_NUMBER})(?:(?P<step>[+-]{_NUMBER}))?x(?P<times>\d+)")
_MISSING = re.compile(r"_(?:x(?P<times>\d+))?")


@dataclass(frozen=True)
class Series:
    """`column` holds the samples; None if a sample says no more than that the row is there."""

    table: str
    column: str | None
    labels: Mapping[str, str]


def parse_series(text: str) -> Series:
    """Raises AlertRuleError if it is none."""
    found = _SERIES.fullmatch(text)
    if found is None:
        raise AlertRuleError(f'series {text!r}: should be name{{label="value", ...}}')
    labels = _labels(text, found["labels"] or "")
    table = _TABLE.fullmatch(found["name"])
    if table is not None:
        return Series(table["table"], table["column"], labels)
    return Series(METRICS, "value", {"metric": found["name"], **labels})


def _labels(series: str, text: str) -> dict[str, str]:
    labels, position = {}, 0
    while text[position:].strip():
        found = _LABELS.match(text, position)
        if found is None:
            raise AlertRuleError(f'series {series!r}: {text[position:]!r} should be label="value", ...')
        labels[found[1]] = re.sub(r"\\(.)", r"\1", found[2])
        position = found.end()
    return labels


def expand_values(text: str) -> list[float | None]:
    """`'1+2x3 _ 5'` → [1, 3, 5, 7, None, 5]; None where there is no sample.

    `stale` is no sample either: silver knows no mark for the end of a series. Raises AlertRuleError for what is not in
    the notation.
    """
    values: list[float | None] = []
    for word in text.split():
        missing, repeated = _MISSING.fullmatch(word), _REPEATED.fullmatch(word)
        if missing is not None:
            values += [None] * int(missing["times"] or 1)
        elif word == "stale":
            values.append(None)
        elif repeated is not None:
            start, step = float(repeated["start"]), float(repeated["step"] or 0)
            values += [start + step * place for place in range(int(repeated["times"]) + 1)]
        elif re.fullmatch(_NUMBER, word):
            values.append(float(word))
        else:
            raise AlertRuleError(f"values {text!r}: {word!r} should be a number, a+bxn, a-bxn, axn, _, _xn or stale")
    return values
