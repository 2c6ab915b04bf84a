"""Gold is readable by the tools that analysts have: DuckDB and Polars through delta-rs, and Spark SQL.

Every table is read as its contract makes it; those with the most unusual types also as Spark writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipelines.operations.query import answer
from pipelines.settings import Settings, load_settings
from pipelines.tables import all_contracts, contract, ensure_table
from tests import hand_made_costs, hand_made_gold
from tests.gold_tables import contract_schema, write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GOLD = tuple(table.full_name for table in all_contracts() if table.layer == "gold")
# One with lists of structs, one with maps and a change data feed, one with decimals.
BY_SPARK = {
    "gold.incidents": hand_made_gold.incidents,
    "gold.alerts": hand_made_gold.alerts,
    "gold.cost_daily": hand_made_costs.cost_daily,
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Each gold table, as its contract makes it, with one row."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("readers"))})
    for name in GOLD:
        write_rows(settings, name, [{}])
    return settings


@pytest.mark.parametrize("name", GOLD)
def test_polars_and_duckdb_read_a_table_of_the_contract(settings: Settings, name: str) -> None:
    path, columns = contract(name).path(settings), contract(name).column_names

    eager, lazy = pl.read_delta(path), pl.scan_delta(path)
    by_duckdb = answer(settings, f"SELECT * FROM {name}")

    assert tuple(eager.columns) == columns
    assert eager.height == 1
    assert lazy.select(pl.len()).collect().item() == 1
    assert by_duckdb.columns == columns
    assert len(by_duckdb.rows) == 1


@pytest.mark.parametrize("name", BY_SPARK)
def test_what_spark_wrote_reads_the_same_everywhere(
    tmp_path_factory: pytest.TempPathFactory, spark: SparkSession, name: str
) -> None:
    """With all that Spark adds to a table of a contract: clustering, its properties, a change data feed."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("spark"))})
    table, rows = contract(name), BY_SPARK[name]()
    other = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("by-hand"))})
    write_rows(other, name, rows)
    ensure_table(spark, settings, table)
    written = spark.read.format("delta").load(table.path(other))
    written.write.format("delta").mode("append").save(table.path(settings))

    key = table.keys[0]
    by_polars = pl.read_delta(table.path(settings)).sort(*table.keys)
    by_duckdb = answer(settings, f"SELECT {key} FROM {name} ORDER BY {', '.join(table.keys)}")

    by_spark = spark.sql(f"SELECT {key} FROM delta.`{table.path(settings)}`").collect()
    assert by_polars.height == len(rows)
    assert sorted(row[0] for row in by_spark) == sorted(by_polars[key].to_list())
    assert [row[0] for row in by_duckdb.rows] == by_polars[key].to_list()
    assert sorted(by_polars[key].to_list()) == sorted(row[key] for row in rows)
    assert set(by_polars.columns) == set(contract_schema(name).names)
