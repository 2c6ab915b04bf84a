"""Contracts and the Delta tables made from them: what a contract says is what the table is, and stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from pipelines.errors import ContractError, StorageError
from pipelines.settings import SCHEMAS_DIR, Settings
from pipelines.tables import Column, Table, all_contracts, contract, ensure_table, read_table

HEARTBEATS = contract("silver.heartbeats")


def with_column(table: Table, name: str, type_: str) -> Table:
    return replace(table, columns=(*table.columns, Column(name, type_, f"What {name} is", required=False, unit=None)))


def details(spark: SparkSession, settings: Settings, table: Table) -> dict[str, object]:
    return spark.sql(f"DESCRIBE DETAIL delta.`{table.path(settings)}`").first().asDict()  # type: ignore[union-attr]


@pytest.mark.parametrize("table", all_contracts(), ids=lambda table: table.full_name)
def test_every_contract_of_ours_is_complete(table: Table, spark: SparkSession) -> None:
    assert table.question.endswith((".", "?"))
    assert table.grain
    assert table.keys
    assert table.retention_days > 0
    assert set(table.keys) | set(table.cluster_by) <= set(table.column_names)
    assert len(set(table.column_names)) == len(table.column_names)
    for column in table.columns:
        assert column.comment, f"{table.full_name}.{column.name} has no description"
    assert spark.createDataFrame([], ", ".join(f"`{c.name}` {c.type}" for c in table.columns)).columns
    assert dict(table.properties)["delta.enableDeletionVectors"] == "false"  # analysts' readers refuse them


def test_all_contracts_are_found_bronze_first() -> None:
    names = [table.full_name for table in all_contracts()]

    files = {f"{path.parent.name}.{path.stem}" for path in (SCHEMAS_DIR / "tables").glob("*/*.yaml")}
    assert set(names) == files
    assert [name.split(".")[0] for name in names] == sorted(
        (name.split(".")[0] for name in names), key=["bronze", "silver", "gold"].index
    )


def test_a_new_table_is_what_its_contract_says(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, HEARTBEATS)

    schema = read_table(spark, settings, HEARTBEATS).schema
    assert [(field.name, field.dataType) for field in schema] == [
        (column.name, StructType.fromDDL(f"c {column.type}")["c"].dataType) for column in HEARTBEATS.columns
    ]
    assert {field.name: field.metadata["comment"] for field in schema} == {
        column.name: column.comment for column in HEARTBEATS.columns
    }
    detail = details(spark, settings, HEARTBEATS)
    assert detail["description"] == HEARTBEATS.question
    assert detail["clusteringColumns"] == list(HEARTBEATS.cluster_by)
    properties = detail["properties"]
    assert isinstance(properties, dict)
    assert properties.items() >= dict(HEARTBEATS.properties).items()


def test_ensuring_a_table_that_is_there_writes_nothing(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, HEARTBEATS)
    log = Path(HEARTBEATS.path(settings)) / "_delta_log"
    before = sorted(path.name for path in log.iterdir())

    ensure_table(spark, settings, HEARTBEATS)

    assert sorted(path.name for path in log.iterdir()) == before


def test_a_column_that_the_contract_gained_is_added_and_old_rows_have_null(
    spark: SparkSession, settings: Settings
) -> None:
    ensure_table(spark, settings, HEARTBEATS)
    spark.createDataFrame([("a",)], "event_id string").write.format("delta").mode("append").save(
        HEARTBEATS.path(settings)
    )

    grown = with_column(HEARTBEATS, "rack", "map<string,int>")
    ensure_table(spark, settings, grown)

    rows = read_table(spark, settings, grown)
    assert rows.columns == list(grown.column_names)
    assert rows.schema["rack"].dataType.simpleString() == "map<string,int>"
    assert rows.select("event_id", "rack").collect() == [("a", None)]


def test_a_column_of_another_type_is_an_error_that_names_it(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, with_column(HEARTBEATS, "rack", "int"))

    with pytest.raises(ContractError, match=r"silver\.heartbeats at .*column rack is int, its contract says string"):
        ensure_table(spark, settings, with_column(HEARTBEATS, "rack", "string"))


def test_all_differences_are_said_at_once(spark: SparkSession, settings: Settings) -> None:
    """Another type, a column that the contract has lost, and one that takes no nulls where the contract does."""
    optional = next(column for column in HEARTBEATS.columns if not column.required)
    builder = DeltaTable.createIfNotExists(spark).location(HEARTBEATS.path(settings))
    builder = builder.addColumn("event_id", "int").addColumn("rack", "string")
    builder.addColumn(optional.name, optional.type, nullable=False).execute()

    with pytest.raises(ContractError) as raised:
        ensure_table(spark, settings, HEARTBEATS)

    said = str(raised.value)
    assert "column event_id is int, its contract says string" in said
    assert "column rack (string) is not in its contract" in said
    assert f"column {optional.name} is NOT NULL" in said


def test_a_folder_that_cannot_be_written_is_named(spark: SparkSession, settings: Settings) -> None:
    settings.root.parent.mkdir(parents=True, exist_ok=True)
    settings.root.write_text("a file where the storage root should be")

    with pytest.raises(StorageError, match=r"silver\.heartbeats"):
        ensure_table(spark, settings, HEARTBEATS)


def test_a_contract_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"silver\.nothing.*nothing\.yaml cannot be read"):
        contract("silver.nothing", tmp_path)


SPOILT = {
    "no retention": (lambda text: text.replace("property: retention", "property: latency"), "retention"),
    "no schema": (lambda text: text.partition("\nschema:")[0], "has no `schema`"),
    "an unknown word": (lambda text: text.replace("\nschema:", "\nscheme:"), "scheme"),
    "not YAML": (lambda text: text.replace("apiVersion: v3.1.0", "apiVersion: ["), "cannot be read"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_contract_is_named(tmp_path: Path, case: str) -> None:
    spoil, message = SPOILT[case]
    text = (SCHEMAS_DIR / "tables" / "silver" / "heartbeats.yaml").read_text()
    assert spoil(text) != text
    path = tmp_path / "tables" / "silver" / "heartbeats.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(spoil(text))

    with pytest.raises(ContractError, match=rf"(?s)silver\.heartbeats.*heartbeats\.yaml.*{message}"):
        contract("silver.heartbeats", tmp_path)
