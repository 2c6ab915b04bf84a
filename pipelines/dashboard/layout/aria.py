"""ARIA attributes, which Dash takes as keywords that Python cannot write."""

from __future__ import annotations

from typing import Any


def aria(**values: str) -> dict[str, Any]:
    """`labelledby="x"` → `{"aria-labelledby": "x"}`."""
    return {f"aria-{name}": value for name, value in values.items()}
