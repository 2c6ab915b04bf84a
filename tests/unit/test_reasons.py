"""Reason codes: each that a decoder gives is explained to whoever finds it in quarantine, or counted as ignored."""

from __future__ import annotations

import re

import pytest

from pipelines.errors import QueryError
from pipelines.quality import reasons
from pipelines.settings import PROJECT_DIR

_CODE = re.compile(r'"((?:malformed|wrong|bad|no|unsupported|invalid|empty|control|test|digest)_[a-z_]+)"')
_MODULES = sorted(path for name in ("sources", "routing") for path in (PROJECT_DIR / "pipelines" / name).rglob("*.py"))
# A JSON member that looks like a code.
_NONE = {"no_recorded_value"}


def codes() -> set[str]:
    return {code for path in _MODULES for code in _CODE.findall(path.read_text(encoding="utf-8"))} - _NONE


def test_every_code_is_explained_once() -> None:
    assert codes() <= set(reasons.explanations()) | set(reasons.IGNORED)
    assert not set(reasons.explanations()) & set(reasons.IGNORED)


def test_the_operator_finds_every_code_in_the_documentation() -> None:
    page = (PROJECT_DIR / "docs" / "operations.md").read_text(encoding="utf-8")

    assert [code for code in {**reasons.explanations(), **reasons.IGNORED} if f"`{code}`" not in page] == []


def test_a_code_that_does_not_exist_is_answered_with_those_there_are() -> None:
    with pytest.raises(QueryError, match=r"no reason code 'nonsense'.*bad_time"):
        reasons.check_reason("nonsense")
