"""Names by glob, as rules and controls in conf have them: `*` is anything, `?` one sign, without regard to case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

_GLOB = re.compile(r"[*?]")


def is_one_of(text: Column, globs: Iterable[str]) -> Column:
    """Whether the whole text is one of these; false of null. Plain names are compared, which costs least."""
    listed = list(globs)
    exact = [glob.lower() for glob in listed if not _GLOB.search(glob)]
    patterns = [_regex(glob) for glob in listed if _GLOB.search(glob)]
    tests = [F.lower(text).isin(*exact)] if exact else []
    if patterns:
        tests.append(F.rlike(text, F.lit(f"(?is)^({'|'.join(patterns)})$")))
    return F.coalesce(reduce(Column.__or__, tests, F.expr("false")), F.expr("false"))


def _regex(glob: str) -> str:
    """Java and Python escape the same way."""
    return "".join({"*": ".*", "?": "."}.get(sign) or re.escape(sign) for sign in glob)
