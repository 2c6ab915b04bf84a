"""How an operator names tables, and what is said of a name that an operation does nothing with."""

from __future__ import annotations

import pytest

from pipelines.errors import ContractError
from pipelines.operations.named_tables import tables_named
from pipelines.operations.replay.chosen import REPLAYED, chosen, why_not
from pipelines.tables import all_contracts


def test_tables_are_named_with_or_without_their_layer() -> None:
    found = tables_named(["gold.quality", "metrics"], all_contracts(), str)

    assert [table.full_name for table in found] == ["silver.metrics", "gold.quality"]
    assert tables_named((), all_contracts(), str) == all_contracts()


def test_another_name_is_refused_with_a_list_of_those_that_there_are() -> None:
    with pytest.raises(ContractError, match="table nonsense has no contract; there are: bronze"):
        tables_named(["nonsense"], all_contracts(), lambda _: "has no contract")


def test_a_replay_says_of_each_table_that_it_does_not_make_anew_what_does() -> None:
    others = [table for table in all_contracts() if table not in REPLAYED]

    assert others
    assert [table.full_name for table in others if why_not(table.full_name) == "has no contract"] == []
    with pytest.raises(ContractError, match="table cost_daily is worked out by the day: `lakehouse refresh` follows"):
        chosen(["metrics", "cost_daily"])
    with pytest.raises(ContractError, match="table anomaly_scores cannot be scored again for a span"):
        chosen(["anomaly_scores"])
