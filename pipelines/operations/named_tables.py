"""Tables as an operator names them: `silver.metrics`, or `metrics`."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pipelines.errors import ContractError
from pipelines.tables import Table


def tables_named(names: Collection[str], among: tuple[Table, ...], refusal: Callable[[str], str]) -> tuple[Table, ...]:
    """Those of `among` that are named, in its order; all of them if none is.

    Raises ContractError for another name: `refusal` of it, and what there is.
    """
    for name in names:
        if not any(_is(one, name) for one in among):
            there = ", ".join(one.full_name for one in among)
            raise ContractError(f"table {name} {refusal(name)}; there are: {there}")
    return tuple(one for one in among if not names or any(_is(one, name) for name in names))


def _is(table: Table, name: str) -> bool:
    return name in (table.full_name, table.name)
