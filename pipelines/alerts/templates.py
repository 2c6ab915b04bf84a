"""Annotations with `{{ $labels.x }}` and `{{ $value }}`, the part of Prometheus' templates that annotations live on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LABEL = re.compile(r"\$labels\.(\w+)")
_VALUE = re.compile(r"\$value(?:\s*\|\s*printf\s+\"(%\.\d+[feg])\")?")


def render(text: str, labels: Mapping[str, str], value: float | None) -> str:
    """`text` filled in. A label that the alert does not have, and a value that is not known, are empty text."""

    def fill(found: re.Match[str]) -> str:
        label = _LABEL.fullmatch(found[1])
        if label is not None:
            return labels.get(label[1], "")
        number = _VALUE.fullmatch(found[1])
        if number is None or value is None:
            return ""
        return number[1] % value if number[1] else f"{value:.6g}"

    return _TEMPLATE.sub(fill, text)


def complaint(text: str, labels: Collection[str]) -> str | None:
    """What is wrong with a template of a rule that gives `labels`; None if nothing is."""
    for inner in _TEMPLATE.findall(text):
        label = _LABEL.fullmatch(inner)
        if label is not None and label[1] not in labels:
            return f"{inner} is no label of this rule; it has {', '.join(sorted(labels))}"
        if label is None and _VALUE.fullmatch(inner) is None:
            return f'{{{{ {inner} }}}} should be $labels.<name>, $value, or $value | printf "%.1f"'
    return None
