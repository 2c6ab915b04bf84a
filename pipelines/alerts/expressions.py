"""The SQL of rules: two functions that SQL lacks, and names put in place of what they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Text and quoted names stay as they are; a name is no function call and no part of a longer name.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|(?<![\w.])[A-Za-z_]\w*\b(?!\s*\()")
_NEWEST = re.compile(r"\bnewest\(([^()]+)\)")
_INCREASE = re.compile(r"\bincrease\(([^()]+)\)")


def expand(sql: str, time: str) -> str:
    """`newest(x)`: the last value that is not null, as an instant vector of Prometheus. `increase(x)`: how much the
    counters of silver.metrics have grown, each series for itself and through resets; not extrapolated to the ends of
    the window as Prometheus does, so it is a whole number of what was counted."""
    newest = _NEWEST.sub(rf"max_by(\1, {time}) FILTER (WHERE \1 IS NOT NULL)", sql)
    return _INCREASE.sub(lambda found: _increase(found[1], time), newest)


def _increase(counter: str, time: str) -> str:
    points = f"array_sort(collect_list(named_struct('s', series_id, 't', {time}, 'v', {counter})) "
    points += f"FILTER (WHERE {counter} IS NOT NULL))"
    start = "named_struct('s', CAST(NULL AS BIGINT), 'v', CAST(0 AS DOUBLE), 'sum', CAST(0 AS DOUBLE))"
    # After a reset the counter has grown by what it shows.
    grown = "CASE WHEN a.s = p.s THEN IF(p.v >= a.v, p.v - a.v, p.v) ELSE 0D END"
    step = f"(a, p) -> named_struct('s', p.s, 'v', p.v, 'sum', a.sum + {grown})"
    return f"aggregate({points}, {start}, {step}, a -> IF(a.s IS NULL, NULL, a.sum))"


def names_in(sql: str) -> set[str]:
    return {found[0] for found in _TOKEN.finditer(sql) if found[0][0] not in "'`"}


def substitute(sql: str, meanings: Mapping[str, str]) -> str:
    """`sql` with each name that has a meaning replaced by it."""
    return _TOKEN.sub(lambda found: meanings.get(found[0], found[0]), sql)
